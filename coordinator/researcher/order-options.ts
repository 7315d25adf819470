import { CodedError } from '@tributary/shared/errors'
import { printable, shellWord } from './text-table.ts'

/** A whole number as typed, `5000` or `5_000`; the server says what is too many. Throws `ARGUMENT_INVALID`. */
export const numberOption = (name: string, text: string, least = 0): number => {
  const value = /^\d[\d_]*$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new CodedError('ARGUMENT_INVALID', `${name} must be a whole number, at least ${least}`)
}

interface OrderWords {
  readonly generator: string
  readonly rows: number
  readonly where?: string | null | undefined
  readonly seed?: number | undefined
}

/** The order as it would be typed. */
export const orderWords = ({ generator, rows, where, seed }: OrderWords): string => {
  const words = [shellWord(printable(generator)), '-n', String(rows)]
  if (where !== undefined && where !== null) words.push('--where', shellWord(printable(where)))
  if (seed !== undefined) words.push('--seed', String(seed))
  return words.join(' ')
}
