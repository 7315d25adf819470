import { printable } from '@tributary/shared/cli/printable'
import { type Additions, additionWords } from '../cohort/order.ts'
import { shellWord } from './text-table.ts'

interface OrderWords extends Additions {
  readonly generator: string
  readonly rows: number
  readonly where?: string | null | undefined
  readonly seed?: number | undefined
}

/** The order as it would be typed. */
export const orderWords = ({ generator, rows, where, seed, ...additions }: OrderWords): string => {
  const words = [shellWord(printable(generator)), '-n', String(rows)]
  if (where !== undefined && where !== null) words.push('--where', shellWord(printable(where)))
  words.push(...additionWords(additions, (text) => shellWord(printable(text))))
  if (seed !== undefined) words.push('--seed', String(seed))
  return words.join(' ')
}
