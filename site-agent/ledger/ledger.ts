import { CodedError } from '@tributary/shared/errors'
import { type Digest, digest, type StudyId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { blob, openStore, type SqliteStore, type SqlRow, text, whole } from '@tributary/shared/store/sqlite'
import { Book } from './book.ts'
import {
  type Cap,
  type Charge,
  contentBytes,
  contentOf,
  type Entry,
  type EntryContent,
  entryHash,
  firstPrevious,
  type Reservation,
} from './entry.ts'
import { refuseUnderpriced, type Spending, spendingOf } from './spending.ts'

export type { Cap, Charge, Entry, EntryContent, Reservation } from './entry.ts'
export type { Spending, StudySpending } from './spending.ts'

/** `broken` names the first entry that does not follow from those before it. */
export interface Verification {
  readonly entries: number
  /** Hash of the last sound entry: written down elsewhere, it shows later whether the book was cut short. */
  readonly head: Digest
  readonly broken: { readonly seq: number; readonly reason: string } | null
}

const migrations = [
  `CREATE TABLE entries (
     seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, content BLOB NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
   ) STRICT;
   CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'append-only'); END;
   CREATE TRIGGER entries_remain BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'append-only'); END;
   CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL) STRICT;
   INSERT INTO head VALUES (1, 0);`,
]

/** The entries read so far and what they add up to. */
interface Reading {
  readonly book: Book
  seq: number
  hash: Digest
  broken: Verification['broken']
}

const begin = (): Reading => ({ book: new Book(), seq: 0, hash: firstPrevious, broken: null })

const entryOf = (row: SqlRow): Entry => ({
  seq: whole(row, 'seq'),
  at: whole(row, 'at'),
  content: contentOf(blob(row, 'content')),
  previous: digest(text(row, 'previous')),
  hash: digest(text(row, 'hash')),
})

/**
 * What patients of this institution have been exposed to: one ledger, whatever the source (R17). Append-only, every entry hashed
 * over the one before it; reserved on approval, charged before anything leaves, never refunded (R6). Two processes may share it:
 * every change takes the write lock, reads what the other wrote, and is on the disk when the call returns. A ledger that does
 * not verify refuses every change with `LEDGER_REFUSED`. Memory grows with the entries, a change costs one disk sync.
 */
export class Ledger {
  readonly #store: SqliteStore
  readonly #clock: Pick<Clock, 'now'>
  readonly #reading = begin()

  private constructor(store: SqliteStore, clock: Pick<Clock, 'now'>) {
    this.#store = store
    this.#clock = clock
  }

  /** Reads and checks every entry. Throws the codes of shared/store; a broken chain is told by `verify`. */
  static open(path: string, clock: Pick<Clock, 'now'>): Ledger {
    const ledger = new Ledger(openStore(path, { synchronous: 'EXTRA', migrations }), clock)
    ledger.#readOn(ledger.#reading)
    return ledger
  }

  /** What all studies together may cost. Below what is reserved already it stops new studies only: to stop one, revoke it. */
  setCap({ epsilon, delta }: Cap): void {
    this.#append({ kind: 'cap', epsilon, delta })
  }

  /**
   * Sets a whole plan aside. The same study at the same price again changes nothing. Throws `BUDGET_EXCEEDED` where the plain
   * sums of all reserved (epsilon, delta) would pass the cap, `LEDGER_REFUSED` for another price or one too low.
   */
  reserve(reservation: Reservation): void {
    refuseUnderpriced(reservation)
    const content: EntryContent = { kind: 'reserve', ...reservation }
    this.#append(content, (book) => {
      const account = book.accounts.get(reservation.study)
      return account !== undefined && !account.revoked && isSame({ kind: 'reserve', ...account.reservation }, content)
    })
  }

  /**
   * Charges one attempt; on the disk when it returns, so that bytes may leave. The same attempt again changes nothing. Throws
   * `LEDGER_REFUSED` unless its study is reserved and not revoked and the query has an attempt left.
   */
  charge(charge: Charge): void {
    const content: EntryContent = { kind: 'charge', ...charge }
    this.#append(content, (book) => {
      const earlier = book.charges.get(charge.round)
      return earlier !== undefined && isSame({ kind: 'charge', ...earlier }, content)
    })
  }

  /**
   * No further attempt of this study is charged; what it reserved stays reserved. Again changes nothing. Throws `LEDGER_REFUSED`
   * for a study that was never reserved.
   */
  revoke(study: StudyId): void {
    this.#append({ kind: 'revoke', study }, (book) => book.accounts.get(study)?.revoked === true)
  }

  /** What each study has cost and may cost. Throws `LEDGER_REFUSED` while the chain is broken: a sum might be too low. */
  spent(): Spending {
    this.#readOn(this.#reading)
    refuseBroken(this.#reading)
    return spendingOf(this.#reading.book)
  }

  /** Entries in order, as they stand; `LEDGER_REFUSED` at one that cannot be read. */
  *history(): Generator<Entry> {
    for (let seq = 0; ; ) {
      const rows = this.#store.all('SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT 256', seq)
      for (const row of rows) yield entryOf(row)
      const last = rows.at(-1)
      if (last === undefined) return
      seq = whole(last, 'seq')
    }
  }

  /** Reads the whole book anew, every hash and every rule. */
  verify(): Verification {
    const fresh = begin()
    this.#readOn(fresh)
    if (fresh.broken !== null) this.#reading.broken = fresh.broken
    return { entries: fresh.seq, head: fresh.hash, broken: fresh.broken }
  }

  /**
   * Takes over every entry of an earlier ledger of this institution (R17: its patients stay the same when a site enrols anew), all
   * or none. Throws `ALREADY_EXISTS` where something is written here, `LEDGER_BROKEN` where the earlier one does not verify.
   */
  adopt(earlier: Ledger): void {
    const { broken } = earlier.verify()
    if (broken !== null)
      throw new CodedError('LEDGER_BROKEN', `the earlier ledger: entry ${broken.seq} is broken: ${broken.reason}`)
    const rows = earlier.#store.all('SELECT * FROM entries ORDER BY seq')
    this.#store.transaction(() => {
      this.#readOn(this.#reading)
      if (this.#reading.seq > 0 || this.#reading.broken !== null)
        throw new CodedError('ALREADY_EXISTS', 'this ledger has entries of its own: adopt before anything else')
      for (const row of rows) {
        const { seq, at, previous, hash } = entryOf(row)
        const content = blob(row, 'content')
        this.#store.run('INSERT INTO entries VALUES (?, ?, ?, ?, ?)', seq, BigInt(at), content, previous, hash)
      }
      this.#store.run('UPDATE head SET seq = ?', rows.length)
    })
    this.#readOn(this.#reading)
  }

  close(): void {
    this.#store.close()
  }

  /** One transaction: what others wrote is read, the rules are asked, the entry is written. `isKnown`: nothing to write. */
  #append(content: EntryContent, isKnown: (book: Book) => boolean = () => false): void {
    const reading = this.#reading
    const written = this.#store.transaction((): { seq: number; hash: Digest } | undefined => {
      this.#readOn(reading)
      refuseBroken(reading)
      if (isKnown(reading.book)) return undefined
      const refusal = reading.book.refusalOf(content)
      if (refusal !== undefined) throw refusal
      const seq = reading.seq + 1
      const at = Math.round(this.#clock.now())
      const bytes = contentBytes(content)
      const hash = entryHash(reading.hash, seq, at, bytes)
      this.#store.run('INSERT INTO entries VALUES (?, ?, ?, ?, ?)', seq, BigInt(at), bytes, reading.hash, hash)
      this.#store.run('UPDATE head SET seq = ?', seq)
      return { seq, hash }
    })
    if (written === undefined) return
    // Only after the commit: what a failed one wrote never happened.
    reading.book.apply(content)
    Object.assign(reading, written)
  }

  /** Follows the chain from where `reading` stands to the head, or to the first entry that does not fit. */
  #readOn(reading: Reading): void {
    const head = whole(this.#store.get('SELECT seq FROM head') ?? {}, 'seq')
    while (reading.broken === null) {
      const rows = this.#store.all('SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT 256', reading.seq)
      if (rows.length === 0) break
      for (const row of rows) {
        const reason = readEntry(reading, row)
        if (reason === undefined) continue
        reading.broken = { seq: reading.seq + 1, reason }
        return
      }
    }
    if (reading.broken === null && reading.seq < head) {
      reading.broken = { seq: reading.seq + 1, reason: `missing, although ${head} entries were written` }
    }
  }
}

const refuseBroken = ({ broken }: Reading): void => {
  if (broken !== null) throw new CodedError('LEDGER_REFUSED', `entry ${broken.seq} is broken: ${broken.reason}`)
}

const readEntry = (reading: Reading, row: SqlRow): string | undefined => {
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
  const refusal = reading.book.refusalOf(content)
  if (refusal !== undefined) return refusal.message
  reading.book.apply(content)
  Object.assign(reading, { seq, hash })
  return undefined
}

const isSame = (a: EntryContent, b: EntryContent): boolean => Buffer.compare(contentBytes(a), contentBytes(b)) === 0
