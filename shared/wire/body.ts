import type * as z from 'zod'
import { CodedError } from '../errors.ts'
import { type Canonical, decodeCanonical, encodeCanonical } from './canonical.ts'
import { bodySchemas, type MessageKind } from './messages.ts'
import { type IdentityKey, openMessage, type SignedMessage, signMessage } from './signed.ts'

export type Body<Kind extends MessageKind> = z.infer<(typeof bodySchemas)[Kind]>

/** Who must have signed. */
export interface Signer {
  readonly name: string
  readonly publicKey: Uint8Array
}

/** Signs a body; the same body under the same key gives the same bytes (Ed25519 is deterministic). */
export const signBody = <Kind extends MessageKind>(
  kind: Kind,
  signer: string,
  body: Body<Kind>,
  identity: IdentityKey,
): SignedMessage => signMessage(kind, signer, body as unknown as Canonical, identity)

/**
 * The checked body of a message of this kind from this signer. Throws what `openMessage` throws, and `CANONICAL_INVALID` naming
 * the field when the body is not of its kind's form.
 */
export const openBody = <Kind extends MessageKind>(kind: Kind, message: SignedMessage, signer: Signer): Body<Kind> => {
  const value = openMessage(message, { kind, signer: signer.name, publicKey: signer.publicKey })
  const parsed = bodySchemas[kind].safeParse(value)
  if (parsed.success) return parsed.data as Body<Kind>
  const field = parsed.error.issues[0]?.path.map(String).join('.') ?? ''
  throw new CodedError('CANONICAL_INVALID', `a ${kind} whose body has another form`, { place: { field } })
}

/** A signed message as one byte string, for stores. */
export const messageBytes = (message: SignedMessage): Uint8Array => encodeCanonical({ ...message })

/** Inverse of `messageBytes`, for bytes that this program stored itself. */
export const messageFrom = (bytes: Uint8Array): SignedMessage => decodeCanonical(bytes) as unknown as SignedMessage
