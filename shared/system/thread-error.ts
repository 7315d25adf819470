import { asCodedError, CodedError, type ErrorCode, type Place } from '../errors.ts'

/** An error as it crosses threads: what a CodedError says, which never holds a value from a row, and nothing of its cause. */
export interface ErrorMessage {
  readonly code: ErrorCode
  readonly message: string
  readonly place: Place
}

export const errorMessage = (thrown: unknown): ErrorMessage => {
  const { code, message, place } = asCodedError(thrown)
  return { code, message, place }
}

export const codedError = ({ code, message, place }: ErrorMessage): CodedError =>
  new CodedError(code, message, { place })
