import { CodedError, isErrorCode } from '@tributary/shared/errors'
import { type Problem, problemSchema } from '../api/schemas.ts'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import { printable } from '@tributary/shared/cli/printable'

const upgrade =
  '`tributary login` shows the version of the coordinator, `tributary --version` this one: upgrade the older.'

/** An answer of another shape than version 1 of the API has; `field` names the place. */
export const misfit = (what: string, field = ''): HintedError =>
  new HintedError('PROTOCOL_UNSUPPORTED', what, upgrade, field === '' ? {} : { place: { field } })

/** The server's problem as if it had been found here: same code, message, place and hint. */
const ofProblem = ({ error_code: code, detail, hint, field }: Problem): CodedError =>
  isErrorCode(code)
    ? new HintedError(code, printable(detail), printable(hint), field === undefined ? {} : { place: { field } })
    : misfit(
        `the coordinator refuses with a code that this program does not know, ${printable(code)}: ${printable(detail)}`,
      )

/** An answer of status 300 and above. A body that is no problem+json comes from a proxy, or from some other server. */
export const refusalOf = (status: number, body: unknown): CodedError => {
  const problem = problemSchema.safeParse(body)
  if (problem.success) return ofProblem(problem.data)
  if (status >= 300 && status < 400)
    return new HintedError(
      'PROTOCOL_UNSUPPORTED',
      'the server points to another address',
      'Log in to that address itself.',
    )
  if (status >= 500)
    return new HintedError('UNAVAILABLE', `no coordinator answers behind the server (status ${status})`, retry)
  return misfit(`no Tributary coordinator answers there (status ${status})`)
}

const retry = 'Check that the coordinator is up, then run the same command again.'

const codeOf = (thrown: unknown): string => {
  if (!(thrown instanceof Error)) return ''
  const own = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''
  return own === '' && thrown.cause !== undefined ? codeOf(thrown.cause) : own
}

/** OpenSSL's and Node's names for a certificate or handshake that is not accepted. */
const isTls = (code: string) => /^ERR_(TLS|SSL)|CERT|^EPROTO$|UNABLE_TO|^HOSTNAME_MISMATCH$|CHAIN/.test(code)

/** What `fetch`, or reading a body, threw. */
export const connectionError = (thrown: unknown, server: string): CodedError => {
  if (thrown instanceof CodedError) return thrown
  if (thrown instanceof Error && (thrown.name === 'TimeoutError' || thrown.name === 'AbortError'))
    return new HintedError(
      'DEADLINE_PASSED',
      `${server} took longer than it was given`,
      'Try again with a larger --timeout.',
    )
  const code = codeOf(thrown)
  if (isTls(code)) {
    const hint = 'Under a private authority, log in with --ca FILE; else check name and dates of the certificate.'
    return new HintedError('TLS_REFUSED', `${server} has no certificate that is trusted here (${code})`, hint, {
      cause: thrown,
    })
  }
  const why = code === '' ? '' : ` (${code})`
  return new HintedError('UNAVAILABLE', `${server} cannot be reached${why}`, `Check address and network. ${retry}`, {
    cause: thrown,
  })
}
