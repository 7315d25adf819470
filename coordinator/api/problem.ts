import { STATUS_CODES } from 'node:http'
import { asCodedError, CodedError, httpStatus } from '@tributary/shared/errors'
import { hintOf } from '../requests/operator-fault.ts'
import { invalidInput } from './invalid-input.ts'
import type { Problem } from './schemas.ts'

/** What fastify itself refuses, by its own code; anything else of its making below 500 is a bad request. */
const byFastifyCode: Readonly<Record<string, () => CodedError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => new CodedError('BODY_TOO_LARGE', 'the body is longer than 64 KiB'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => new CodedError('MEDIA_TYPE_UNSUPPORTED', 'the body is not application/json'),
  FST_ERR_CTP_INVALID_JSON_BODY: () => new CodedError('ARGUMENT_INVALID', 'the body is not JSON'),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => new CodedError('ARGUMENT_INVALID', 'the body is empty'),
  FST_ERR_BAD_URL: () => new CodedError('ARGUMENT_INVALID', 'the path is not percent-encoded UTF-8'),
}

const isFastifyError = (thrown: unknown): thrown is Error & { code?: string; statusCode?: number } =>
  thrown instanceof Error && !(thrown instanceof CodedError)

/** Anything thrown while a call is served, as one of our own errors. */
export const apiError = (thrown: unknown): CodedError => {
  if (!isFastifyError(thrown)) return asCodedError(thrown)
  if ('validation' in thrown && Array.isArray(thrown.validation)) {
    const where = 'validationContext' in thrown ? String(thrown.validationContext) : 'body'
    return invalidInput(thrown.validation, where)
  }
  const known = byFastifyCode[thrown.code ?? '']
  if (known !== undefined) return known()
  if ((thrown.statusCode ?? 500) < 500) return new CodedError('ARGUMENT_INVALID', 'the request is malformed')
  return asCodedError(thrown)
}

/** RFC 9457. The problem's kind is its error_code, which the command line shows as well; hence no type of its own. */
export const problemOf = (error: CodedError): Problem => {
  const { code, message, place } = error
  const status = httpStatus(code)
  const field = place.field ?? place.column
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: message,
    error_code: code,
    hint: hintOf(error),
    ...(field !== undefined && { field }),
  }
}
