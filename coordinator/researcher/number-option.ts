import { CodedError } from '@tributary/shared/errors'

/** A whole number as typed, `5000` or `5_000`; the server says what is too many. Throws `ARGUMENT_INVALID`. */
export const numberOption = (name: string, text: string, least = 0): number => {
  const value = /^\d[\d_]*$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new CodedError('ARGUMENT_INVALID', `${name} must be a whole number, at least ${least}`)
}
