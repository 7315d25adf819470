import { CodedError } from '@tributary/shared/errors'
import { type Digest, digest } from '@tributary/shared/ids'
import { blob, type SqlRow, text, whole } from '@tributary/shared/store/sqlite'
import { Book } from './book.ts'
import { contentOf, type Entry, entryHash, firstPrevious } from './entry.ts'

/** `broken` names the first entry that does not follow from those before it. */
export interface Verification {
  readonly entries: number
  /** Hash of the last sound entry: written down elsewhere, it shows later whether the book was cut short. */
  readonly head: Digest
  readonly broken: { readonly seq: number; readonly reason: string } | null
}

/** The entries read so far and what they add up to. */
export interface Reading {
  readonly book: Book
  seq: number
  hash: Digest
  broken: Verification['broken']
}

export const beginReading = (): Reading => ({ book: new Book(), seq: 0, hash: firstPrevious, broken: null })

/** Throws `LEDGER_REFUSED` for a row that cannot be read. */
export const entryOf = (row: SqlRow): Entry => ({
  seq: whole(row, 'seq'),
  at: whole(row, 'at'),
  content: contentOf(blob(row, 'content')),
  previous: digest(text(row, 'previous')),
  hash: digest(text(row, 'hash')),
})

/** Takes the rows in as far as each follows from the one before it; the first that does not is `broken`. */
export const readRows = (reading: Reading, rows: readonly SqlRow[]): void => {
  for (const row of rows) {
    const reason = readRow(reading, row)
    if (reason === undefined) continue
    reading.broken = { seq: reading.seq + 1, reason }
    return
  }
}

const readRow = (reading: Reading, row: SqlRow): string | undefined => {
  let entry: Entry
  try {
    entry = entryOf(row)
  } catch {
    return 'it cannot be read'
  }
  const { seq, at, content, previous, hash } = entry
  if (seq !== reading.seq + 1) return 'it is missing'
  if (previous !== reading.hash) return 'it does not follow the entry before it'
  if (hash !== entryHash(previous, seq, at, blob(row, 'content'))) return 'its content was changed'
  const refusal = reading.book.refusalOf(content, false)
  if (refusal !== undefined) return refusal.message
  reading.book.apply(content)
  Object.assign(reading, { seq, hash })
  return undefined
}

/** Throws `LEDGER_REFUSED`. */
export const refuseBroken = ({ broken }: Reading): void => {
  if (broken !== null) throw new CodedError('LEDGER_REFUSED', `entry ${broken.seq} is broken: ${broken.reason}`)
}
