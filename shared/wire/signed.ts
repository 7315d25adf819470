import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { CodedError } from '../errors.ts'
import type { Digest } from '../ids.ts'
import { type Canonical, decodeCanonical, domainPrefix, encodeCanonical, hashBytes } from './canonical.ts'

/** The version of every message; a message of another version is refused before anything else is read. */
export const PROTOCOL_VERSION = 1

/** What travels. `body` is canonical bytes; `signature` is 64 bytes of Ed25519 (RFC 8032) over all the other fields. */
export interface SignedMessage {
  readonly protocol: number
  readonly kind: string
  readonly signer: string
  readonly body: Uint8Array
  readonly signature: Uint8Array
}

/** An Ed25519 key that names a site, the coordinator or an officer. `publicKey` is the raw 32 bytes that the roster lists. */
export interface IdentityKey {
  readonly publicKey: Uint8Array
  readonly privateKey: KeyObject
}

const identityOf = (privateKey: KeyObject): IdentityKey => {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  if (privateKey.asymmetricKeyType !== 'ed25519' || x === undefined) {
    throw new CodedError('STATE_CORRUPT', 'the identity key is not an Ed25519 key')
  }
  return { publicKey: new Uint8Array(Buffer.from(x, 'base64url')), privateKey }
}

/** A new identity from the operating system's randomness. */
export const generateIdentity = (): IdentityKey => identityOf(generateKeyPairSync('ed25519').privateKey)

/** PKCS #8 in PEM, unencrypted: the caller keeps it in a file that only the service user may read. */
export const exportIdentity = (identity: IdentityKey): string =>
  identity.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** Reads `exportIdentity`'s text; throws `STATE_CORRUPT`, without quoting it, when it is anything else. */
export const importIdentity = (pem: string): IdentityKey => {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    throw new CodedError('STATE_CORRUPT', 'the identity key is not PKCS #8 in PEM')
  }
  return identityOf(key)
}

/** SHA-256 of the raw public key. */
export const fingerprintDigest = (publicKey: Uint8Array): Digest => hashBytes(publicKey)

/** The first 128 bits of the digest in eight groups of four hex digits, for reading out over a telephone (R1). */
export const fingerprint = (publicKey: Uint8Array): string =>
  (fingerprintDigest(publicKey).slice(0, 32).match(/.{4}/g) ?? []).join(' ')

const signedBytes = (message: Omit<SignedMessage, 'signature'>): Uint8Array =>
  Buffer.concat([
    domainPrefix('signed'),
    encodeCanonical([message.protocol, message.kind, message.signer, message.body]),
  ])

/** Encodes `value` and signs it as `kind` said by `signer`. Throws `CANONICAL_INVALID` when `value` has no encoding. */
export const signMessage = (kind: string, signer: string, value: Canonical, identity: IdentityKey): SignedMessage => {
  const unsigned = { protocol: PROTOCOL_VERSION, kind, signer, body: encodeCanonical(value) }
  return { ...unsigned, signature: new Uint8Array(sign(null, signedBytes(unsigned), identity.privateKey)) }
}

const publicKeyObject = (raw: Uint8Array): KeyObject => {
  if (raw.length !== 32) throw new CodedError('SIGNATURE_INVALID', 'an Ed25519 public key has 32 bytes')
  const x = Buffer.from(raw).toString('base64url')
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
}

const isSignedBy = (message: SignedMessage, publicKey: Uint8Array): boolean => {
  try {
    return verify(null, signedBytes(message), publicKeyObject(publicKey), message.signature)
  } catch {
    return false // fields that cannot even be encoded, or a key that is no point of the curve
  }
}

/**
 * The value of a message, once its version, kind, signer and signature are what was expected; `limit` bounds the body in bytes.
 * Throws `PROTOCOL_UNSUPPORTED` (naming both versions), `SIGNATURE_INVALID` or `CANONICAL_INVALID`, in that order.
 */
export const openMessage = (
  message: SignedMessage,
  expected: { readonly kind: string; readonly signer: string; readonly publicKey: Uint8Array },
  limit?: number,
): Canonical => {
  if (message.protocol !== PROTOCOL_VERSION) {
    const theirs = Number.isSafeInteger(message.protocol) ? message.protocol : 'no number'
    throw new CodedError(
      'PROTOCOL_UNSUPPORTED',
      `the message has protocol ${theirs}, this side speaks ${PROTOCOL_VERSION}`,
    )
  }
  const refuse = (why: string, field: string): never => {
    throw new CodedError('SIGNATURE_INVALID', why, { place: { field } })
  }
  if (message.kind !== expected.kind) refuse(`a message that is not of kind ${expected.kind}`, 'kind')
  if (message.signer !== expected.signer) refuse(`a message that is not from ${expected.signer}`, 'signer')
  if (!isSignedBy(message, expected.publicKey))
    refuse(`a ${expected.kind} not signed by ${expected.signer}`, 'signature')
  return decodeCanonical(message.body, limit)
}
