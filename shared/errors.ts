import { type ErrorClass, type ErrorCode, errorCodes } from './error-codes.ts'

export type { ErrorCode } from './error-codes.ts'

/** Where bad input was found. Names places only: never a value from a patient's row. */
export interface Place {
  readonly file?: string
  readonly line?: number
  /** Of a table, counted from 1 among the rows that could be read. */
  readonly row?: number
  readonly column?: string
  readonly field?: string
}

/** The one error type that crosses a module wall. `message` is safe to log: callers never put a patient's value in it. */
export class CodedError extends Error {
  readonly code: ErrorCode
  readonly place: Place

  constructor(code: ErrorCode, message: string, options: { place?: Place; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CodedError'
    this.code = code
    this.place = options.place ?? {}
  }

  get help(): string {
    return errorCodes[this.code].help
  }
}

/** gRPC status numbers used by the map below (google.rpc.Code). */
const byClass: Record<ErrorClass, { grpc: number; http: number; exit: number }> = {
  argument: { grpc: 3, http: 400, exit: 4 },
  refused: { grpc: 9, http: 409, exit: 1 },
  connection: { grpc: 14, http: 503, exit: 2 },
  unauthenticated: { grpc: 16, http: 401, exit: 2 },
  timeout: { grpc: 4, http: 504, exit: 3 },
  policy: { grpc: 7, http: 403, exit: 6 },
  bug: { grpc: 13, http: 500, exit: 5 },
}

/** Where HTTP has a status that says more than the class does. */
const httpByCode: Partial<Record<ErrorCode, number>> = {
  NOT_FOUND: 404,
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE_UNSUPPORTED: 415,
  RANGE_UNSATISFIABLE: 416,
  IDEMPOTENCY_KEY_REUSED: 422,
  TOO_MANY_REQUESTS: 429,
}

export const grpcStatus = (code: ErrorCode): number => byClass[errorCodes[code].class].grpc
export const httpStatus = (code: ErrorCode): number => httpByCode[code] ?? byClass[errorCodes[code].class].http
export const exitCode = (code: ErrorCode): number => byClass[errorCodes[code].class].exit

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorCodes, text)

/** Any thrown value as a CodedError; what is not one becomes INTERNAL without its text, which might hold a row's value. */
export const asCodedError = (thrown: unknown): CodedError =>
  thrown instanceof CodedError
    ? thrown
    : new CodedError('INTERNAL', `unexpected ${thrown instanceof Error ? thrown.name : typeof thrown}`, {
        cause: thrown,
      })
