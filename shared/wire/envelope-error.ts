import { Metadata, type ServiceError, status } from '@grpc/grpc-js'
import * as z from 'zod'
import { CodedError, grpcStatus, isErrorCode, type Place } from '../errors.ts'

const codeKey = 'error-code'
// Binary, because a column's name need not be ASCII.
const placeKey = 'error-place-bin'

const short = z.string().max(200).optional()
const placeSchema = z.strictObject({ file: short, line: z.int().optional(), column: short, field: short })

/** How a coded error leaves: its status, message and place, never a stack or a cause. */
export const errorStatus = (error: CodedError) => {
  const metadata = new Metadata()
  metadata.set(codeKey, error.code)
  if (Object.keys(error.place).length > 0) metadata.set(placeKey, Buffer.from(JSON.stringify(error.place)))
  return { code: grpcStatus(error.code), details: error.message.toWellFormed(), metadata }
}

/** What the other side says is shown to people: no control characters, no flood. */
const printable = (text: string): string => text.replace(/\p{Cc}+/gu, ' ').slice(0, 500)

const placeOf = (metadata: Metadata): Place => {
  const [value] = metadata.get(placeKey)
  if (!Buffer.isBuffer(value)) return {}
  try {
    const { file, line, column, field } = placeSchema.parse(JSON.parse(value.toString('utf8')))
    return {
      ...(file !== undefined && { file: printable(file) }),
      ...(line !== undefined && { line }),
      ...(column !== undefined && { column: printable(column) }),
      ...(field !== undefined && { field: printable(field) }),
    }
  } catch {
    return {}
  }
}

// What OpenSSL and Node say when a handshake was refused for good; anything else that broke is worth another try.
const refusedHandshake = /certificate|altname|self.signed|wrong version|protocol version|handshake failure|\balert\b/i

/** Certificates are backdated by as much as clocks may differ: whoever finds one too young has a clock that is behind. */
const notYetValid = /not yet valid|CERT_NOT_YET_VALID/i

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'no route to that host',
  ENETUNREACH: 'no route to that network',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the host name cannot be looked up now',
}

/** Why an address cannot be reached, in words: `text` is what the system or the transport says, which is not for people. */
export const unreachableReason = (text: string): string => {
  const code = Object.keys(reasons).find((each) => text.includes(each))
  if (code !== undefined) return reasons[code] ?? code
  return text.includes('Name resolution failed') ? 'no such host name' : 'no connection'
}

/**
 * The coded error that a failed call stands for: the sender's own, or what the transport's status means. `address` (host:port) is
 * where the call went.
 */
export const errorOfStatus = (error: ServiceError, address?: string): CodedError => {
  const [sent] = error.metadata?.get(codeKey) ?? []
  const details = printable(error.details ?? '')
  if (typeof sent === 'string' && isErrorCode(sent)) {
    return new CodedError(sent, details, { place: placeOf(error.metadata) })
  }
  const unreachable =
    address === undefined ? 'the other side cannot be reached' : `the coordinator cannot be reached at ${address}`
  switch (error.code) {
    case status.UNAVAILABLE:
      if (notYetValid.test(details))
        return new CodedError('CLOCK_SKEWED', "the coordinator's certificate is not valid yet by this machine's clock")
      return refusedHandshake.test(details)
        ? new CodedError('TLS_REFUSED', `the TLS handshake failed: ${details}`)
        : new CodedError('UNAVAILABLE', `${unreachable}: ${unreachableReason(details)}`)
    case status.DEADLINE_EXCEEDED:
      return new CodedError('DEADLINE_PASSED', 'the call took too long')
    case status.CANCELLED: // by the other side, when it stops: a caller's own abort is told apart by the caller
      return new CodedError('UNAVAILABLE', 'the other side ended the call')
    case status.UNIMPLEMENTED:
      return new CodedError('PROTOCOL_UNSUPPORTED', 'the other side does not know this method')
    case status.RESOURCE_EXHAUSTED:
      return new CodedError('FRAME_INVALID', `a message was too large: ${details}`)
    default:
      // A process killed in the middle of a call shows as a reset stream.
      return details.startsWith('Received RST_STREAM')
        ? new CodedError('UNAVAILABLE', 'the connection broke')
        : new CodedError('INTERNAL', `the call failed with gRPC status ${error.code}`)
  }
}
