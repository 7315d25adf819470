import { CodedError } from '@tributary/shared/errors'
import type { Digest, RoundId, StudyId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { blob, openStore, type SqliteStore, whole } from '@tributary/shared/store/sqlite'
import { attemptsOf, type Book } from './book.ts'
import { beginReading, entryOf, readRows, type Reading, refuseBroken, type Verification } from './chain.ts'
import {
  type Cap,
  type Charge,
  contentBytes,
  type Entry,
  type EntryContent,
  entryHash,
  type Reservation,
  type Restored,
} from './entry.ts'
import { allRows, entryTable, insertEntry, rowsAfter } from './entry-table.ts'
import { refuseUnpriced, type Restoration, restorationOf } from './restoration.ts'
import { refuseUnderpriced, type Spending, spendingOf } from './spending.ts'
import { Witness, type WitnessFacts } from './witness.ts'

export type { Verification } from './chain.ts'
export type { Cap, Charge, Entry, EntryContent, Reservation, Restored } from './entry.ts'
export type { Restoration } from './restoration.ts'
export type { Spending, StudySpending } from './spending.ts'

const migrations = [
  `${entryTable}
   CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'append-only'); END;
   CREATE TRIGGER entries_remain BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'append-only'); END;
   CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL) STRICT;
   INSERT INTO head VALUES (1, 0);`,
]

/** The price of a study whose plan this site has, for one that the ledger has lost. */
export type ReservationOf = (study: StudyId) => Reservation | undefined

/**
 * What patients of this institution have been exposed to: one ledger, whatever the source (R17). Append-only, every entry hashed
 * over the one before it; reserved on approval, charged before anything leaves, never refunded (R6). Two processes may share it:
 * every change takes the write lock, reads what the other wrote, and is on the disk when the call returns. A ledger that does
 * not verify refuses every change with `LEDGER_REFUSED`; one that came back from a backup refuses what spends with
 * `LEDGER_RESTORED` until an officer acknowledges it (R4): the anchor beside it tells, or a peer. Where `volatile/` is lost it takes
 * an acknowledgement and nothing else, for good: `VOLATILE_LOST`. Memory grows with the entries, a change costs two disk syncs.
 */
export class Ledger {
  readonly #store: SqliteStore
  readonly #clock: Pick<Clock, 'now'>
  readonly #witness: Witness
  readonly #reading = beginReading()

  private constructor(store: SqliteStore, clock: Pick<Clock, 'now'>, witness: Witness) {
    this.#store = store
    this.#clock = clock
    this.#witness = witness
  }

  /**
   * Reads and checks every entry. Without what `volatile/` tells (`openLedgerIn` asks it) a restored ledger is not noticed here.
   * Throws the codes of shared/store; a broken chain is told by `verify`, a restored one by `refuseRestored`.
   */
  static open(path: string, clock: Pick<Clock, 'now'>, facts: WitnessFacts = {}): Ledger {
    const store = openStore(path, { synchronous: 'EXTRA', migrations })
    let witness: Witness | undefined
    try {
      witness = new Witness(store, facts)
      const ledger = new Ledger(store, clock, witness)
      ledger.#readOn(ledger.#reading)
      if (
        facts.giveUp !== undefined &&
        witness.lost === null &&
        ledger.#reading.broken === null &&
        witness.isAnchorOld()
      )
        witness.lost = facts.giveUp()
      ledger.#extendAnchor()
      return ledger
    } catch (thrown) {
      witness?.close()
      store.close()
      throw thrown
    }
  }

  /**
   * What all studies together may cost, and how they are added up: `sum` or `renyi` (R18). Below what is reserved already it stops
   * new studies only: to stop one, revoke it. Throws `BUDGET_EXCEEDED` for another rule by which what is reserved is too much.
   */
  setCap({ epsilon, delta, accounting = 'sum' }: Cap): void {
    this.#append({ kind: 'cap', epsilon, delta, accounting })
  }

  /**
   * Sets a whole plan aside. The same study at the same price again changes nothing. Throws `BUDGET_EXCEEDED` where all reserved
   * studies together would pass the cap by its rule, `LEDGER_REFUSED` for another price or one too low.
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

  /** Attempts of this study charged so far, of all queries: what its contributions state, so that peers can tell it back. */
  charged(study: StudyId): number {
    this.#readOn(this.#reading)
    const account = this.#reading.book.accounts.get(study)
    return account === undefined ? 0 : attemptsOf(account)
  }

  /** Whether a contribution that this site signed is one that this ledger has charged. */
  knows(contribution: { readonly study: StudyId; readonly round: RoundId; readonly charged: number }): boolean {
    this.#readOn(this.#reading)
    return this.#reading.book.knows(contribution)
  }

  /** Writes down what a peer knows and this site does not. From then on nothing is charged or reserved, in any process. */
  noteRestored(restored: Restored): void {
    this.#append({ kind: 'restored', ...restored }, ({ restored: known }) =>
      known.some(({ peer, round }) => peer === restored.peer && round === restored.round),
    )
  }

  /** Throws `LEDGER_RESTORED` where the anchor or a peer knows more than this ledger, `VOLATILE_LOST` where nobody here can tell. */
  refuseRestored(): void {
    const head = this.#witness.head()
    this.#readOn(this.#reading)
    this.#witness.refuseRestored(head, this.#reading.book)
  }

  /**
   * What is missing, or null where nothing is. `named`: studies that an officer knows to be missing, where `volatile/` is lost.
   * Throws `LEDGER_REFUSED` while the chain is broken.
   */
  restoration(reservationOf: ReservationOf, named: readonly StudyId[] = []): Restoration | null {
    const witness = this.#witness
    const head = witness.head()
    this.#readOn(this.#reading)
    refuseBroken(this.#reading)
    const own = this.#reading.book
    const isBehind = witness.isBehind(head)
    const isLost = witness.isLossOpen(own) || (witness.lost !== null && named.length > 0)
    if (!isBehind && !isLost && own.restored.length === 0) return null
    const more = isBehind ? witness.anchored() : { anchored: null, missingEntries: 0 }
    return restorationOf({ own, ...more, named, isLost, reservationOf })
  }

  /**
   * An officer has seen `restoration`: charges everything that is missing, in full, whatever the cap says. `lost`: the mark of the
   * `volatile/` that was given up for it. Returns what it acknowledged, null where nothing was missing. Throws `LEDGER_RESTORED`
   * for a study that cannot be priced, and so cannot be charged; `LEDGER_REFUSED` while the chain is broken.
   */
  acknowledgeRestored(
    reservationOf: ReservationOf,
    named: readonly StudyId[] = [],
    lost: string | null = this.#witness.lost,
  ): Restoration | null {
    const restoration = this.restoration(reservationOf, named)
    if (restoration === null) return null
    refuseUnpriced(restoration)
    const mark = lost === null ? {} : { volatile: lost }
    this.#append({ kind: 'acknowledged', ...restoration.acknowledgement, ...mark })
    this.#witness.lost = lost
    return restoration
  }

  /**
   * What each study has cost and may cost. Throws `LEDGER_REFUSED` while the chain is broken, `LEDGER_RESTORED` and `VOLATILE_LOST`
   * until that is acknowledged: a sum might be too low.
   */
  spent(): Spending {
    this.refuseRestored()
    refuseBroken(this.#reading)
    return spendingOf(this.#reading.book)
  }

  /** Entries in order, as they stand; `LEDGER_REFUSED` at one that cannot be read. */
  *history(): Generator<Entry> {
    for (let seq = 0; ; ) {
      const rows = rowsAfter(this.#store, seq)
      for (const row of rows) yield entryOf(row)
      const last = rows.at(-1)
      if (last === undefined) return
      seq = whole(last, 'seq')
    }
  }

  /** Reads the whole book anew, every hash and every rule that is not a matter of an accountant's digits. */
  verify(): Verification {
    const fresh = beginReading()
    this.#readOn(fresh)
    if (fresh.broken !== null) this.#reading.broken = fresh.broken
    return { entries: fresh.seq, head: fresh.hash, broken: fresh.broken }
  }

  /**
   * Takes over every entry of an earlier ledger of this institution (R17: its patients stay the same when a site enrols anew), all
   * or none. Throws `ALREADY_EXISTS` where something is written here, `LEDGER_BROKEN` where the earlier one does not verify,
   * `LEDGER_RESTORED` or `VOLATILE_LOST` where it came back from a backup and nobody has acknowledged that.
   */
  adopt(earlier: Ledger): void {
    const { broken } = earlier.verify()
    if (broken !== null)
      throw new CodedError('LEDGER_BROKEN', `the earlier ledger: entry ${broken.seq} is broken: ${broken.reason}`)
    earlier.refuseRestored()
    const rows = allRows(earlier.#store)
    this.#store.transaction(() => {
      this.#readOn(this.#reading)
      if (this.#reading.seq > 0 || this.#reading.broken !== null)
        throw new CodedError('ALREADY_EXISTS', 'this ledger has entries of its own: adopt before anything else')
      this.#witness.refuseWriting()
      for (const row of rows) this.#insert(entryOf(row), blob(row, 'content'))
    })
    this.#readOn(this.#reading)
    this.#extendAnchor()
  }

  close(): void {
    this.#store.close()
    this.#witness.close()
  }

  /** One transaction: what others wrote is read, the rules are asked, the entry is written. `isKnown`: nothing to write. */
  #append(content: EntryContent, isKnown: (book: Book) => boolean = () => false): void {
    const reading = this.#reading
    const written = this.#store.transaction((): { seq: number; hash: Digest } | undefined => {
      // Under the lock: whoever wrote the anchor had committed here before.
      if (content.kind !== 'restored' && content.kind !== 'acknowledged') this.#witness.refuseWriting()
      this.#readOn(reading)
      refuseBroken(reading)
      if (isKnown(reading.book)) return undefined
      const refusal = reading.book.refusalOf(content, true)
      if (refusal !== undefined) throw refusal
      // All that others committed: one entry more is then the most that a crash keeps from the anchor.
      this.#extendAnchor()
      const seq = reading.seq + 1
      const at = Math.round(this.#clock.now())
      const bytes = contentBytes(content)
      const hash = entryHash(reading.hash, seq, at, bytes)
      this.#insert({ seq, at, previous: reading.hash, hash }, bytes)
      return { seq, hash }
    })
    if (written !== undefined) {
      // Only after the commit: what a failed one wrote never happened.
      reading.book.apply(content)
      Object.assign(reading, written)
    }
    if (content.kind === 'acknowledged') this.#witness.replace()
    else this.#extendAnchor()
  }

  #insert(entry: Omit<Entry, 'content'>, content: Uint8Array): void {
    insertEntry(this.#store, entry, content)
    this.#store.run('UPDATE head SET seq = ?', entry.seq)
  }

  #extendAnchor(): void {
    if (this.#reading.broken === null) this.#witness.extend()
  }

  /** Follows the chain from where `reading` stands to the head, or to the first entry that does not fit. */
  #readOn(reading: Reading): void {
    const head = whole(this.#store.get('SELECT seq FROM head') ?? {}, 'seq')
    while (reading.broken === null) {
      const rows = rowsAfter(this.#store, reading.seq)
      if (rows.length === 0) break
      readRows(reading, rows)
    }
    if (reading.broken === null && reading.seq < head) {
      reading.broken = { seq: reading.seq + 1, reason: `missing, although ${head} entries were written` }
    }
  }
}

const isSame = (a: EntryContent, b: EntryContent): boolean => Buffer.compare(contentBytes(a), contentBytes(b)) === 0
