import { CodedError } from '../errors.ts'
import { siteId } from '../ids.ts'
import type { EnrolRequest, HelloRequest, RenewRequest } from './federation-api.ts'
import type { EnrolRequest__Output } from './generated/tributary/v1/EnrolRequest.ts'
import type { HelloRequest__Output } from './generated/tributary/v1/HelloRequest.ts'
import type { RenewRequest__Output } from './generated/tributary/v1/RenewRequest.ts'
import type { Signed__Output } from './generated/tributary/v1/Signed.ts'
import { PROTOCOL_VERSION, type SignedMessage } from './signed.ts'

/** The only readers of generated types: each turns a message off the wire into a domain type or throws a coded error. */

/** Versions that this build speaks, newest first. */
export const supportedProtocols: readonly number[] = [PROTOCOL_VERSION]

/** Bytes of data in one chunk of a model. */
export const chunkBytes = 256 * 1024
/** Largest message either side accepts. */
export const messageBytes = 4 * 1024 * 1024
/** How long a coordinator may hold a long poll, ms. */
export const longestWaitMs = 60_000

/** Refuses a message of a version that this build does not speak, naming both: `PROTOCOL_UNSUPPORTED`. */
export const requireProtocol = (message: { readonly protocol: number }): void => {
  if (supportedProtocols.includes(message.protocol)) return
  throw new CodedError(
    'PROTOCOL_UNSUPPORTED',
    `this side speaks protocol ${supportedProtocols.join(', ')}, the other side sent ${message.protocol}`,
  )
}

/** The newest version that both sides speak; `PROTOCOL_UNSUPPORTED` names both lists where there is none. */
export const negotiateProtocol = (offered: readonly number[]): number => {
  const chosen = supportedProtocols.find((version) => offered.includes(version))
  if (chosen !== undefined) return chosen
  throw new CodedError(
    'PROTOCOL_UNSUPPORTED',
    `this side speaks protocol ${supportedProtocols.join(', ')}, the other side ${offered.slice(0, 16).join(', ') || 'none'}`,
  )
}

export const missingField = (field: string): CodedError =>
  new CodedError('ARGUMENT_INVALID', `the message has no ${field}`, { place: { field } })

/** Throws ARGUMENT_INVALID for a message that was left out; what is inside is checked by `openMessage`. */
export const signedMessage = (message: Signed__Output | null | undefined, field: string): SignedMessage => {
  if (message === null || message === undefined) throw missingField(field)
  const { protocol, kind, signer, body, signature } = message
  return { protocol, kind, signer, body, signature }
}

/** The bytes as protobufjs wants them, without a copy. */
export const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export const signedFields = (message: SignedMessage) => ({
  protocol: message.protocol,
  kind: message.kind,
  signer: message.signer,
  body: asBuffer(message.body),
  signature: asBuffer(message.signature),
})

const sized = (field: string, bytes: Uint8Array, least: number, most: number): Uint8Array => {
  if (bytes.length >= least && bytes.length <= most) return bytes
  throw new CodedError('ARGUMENT_INVALID', `${field} has ${bytes.length} bytes`, { place: { field } })
}

export const enrolRequest = (message: EnrolRequest__Output): EnrolRequest => ({
  token: message.token,
  site: siteId(message.site),
  csr: sized('csr', message.csr, 1, 16_384),
  identity: sized('identity', message.identity, 32, 32),
  identityProof: sized('identity_proof', message.identityProof, 64, 64),
})

export const renewRequest = (message: RenewRequest__Output): RenewRequest => ({
  csr: sized('csr', message.csr, 1, 16_384),
  identityProof: sized('identity_proof', message.identityProof, 64, 64),
})

/** Throws ARGUMENT_INVALID for a session of another form. */
export const helloRequest = ({ protocols, software, session }: HelloRequest__Output): HelloRequest => {
  if (!/^([0-9a-f]{32})?$/.test(session)) {
    throw new CodedError('ARGUMENT_INVALID', 'a session is 32 hex digits', { place: { field: 'session' } })
  }
  return { protocols, software: software.slice(0, 100), session }
}
