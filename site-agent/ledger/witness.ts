import { CodedError } from '@tributary/shared/errors'
import { type SqliteStore, type SqlRow, text, whole } from '@tributary/shared/store/sqlite'
import { volatileLost } from '../policy/volatile-mark.ts'
import { type Head, LedgerAnchor } from './anchor.ts'
import { type Book, restoredError } from './book.ts'
import { beginReading, readRows, refuseBroken } from './chain.ts'
import { allRows, hashAt, rowsAfter } from './entry-table.ts'

/** What lies in `volatile/`: the path of the anchor, and the mark of a `volatile/` that is not there any more. */
export interface WitnessFacts {
  readonly anchor?: string
  readonly lost?: string | null
  /** Called where the anchor is an old one: marks `volatile/` as lost, and returns the mark. */
  readonly giveUp?: () => string
}

/** What `volatile/` tells of a ledger: whether it is the one that was written last (R4). Without either it tells nothing. */
export class Witness {
  readonly #ledger: SqliteStore
  readonly #anchor: LedgerAnchor | null
  lost: string | null

  /** Throws the codes of shared/store. */
  constructor(ledger: SqliteStore, { anchor, lost = null }: WitnessFacts) {
    this.#ledger = ledger
    this.#anchor = anchor === undefined ? null : LedgerAnchor.open(anchor)
    this.lost = lost
  }

  head(): Head | undefined {
    return this.#anchor?.head()
  }

  /** `head` must have been read before what the ledger holds, or under its write lock. */
  isBehind(head: Head | undefined): boolean {
    return head !== undefined && head.seq > 0 && hashAt(this.#ledger, head.seq) !== head.hash
  }

  /** That `volatile/` is lost, and this book has no acknowledgement of it. */
  isLossOpen(book: Book): boolean {
    return this.lost !== null && book.acknowledgedLoss !== this.lost
  }

  /** Throws `LEDGER_RESTORED`. */
  refuseBehind(head: Head | undefined): void {
    if (head === undefined || !this.isBehind(head)) return
    const here = whole(this.#ledger.get('SELECT seq FROM head') ?? {}, 'seq')
    const how =
      here < head.seq ? `ends at entry ${here}, ${head.seq} were written` : 'has other entries than were written'
    throw new CodedError('LEDGER_RESTORED', `this ledger came back from a backup: it ${how}`)
  }

  /** Throws `LEDGER_RESTORED` or `VOLATILE_LOST` where this ledger is not known to be whole. */
  refuseRestored(head: Head | undefined, book: Book): void {
    this.refuseBehind(head)
    const [restored] = book.restored
    if (restored !== undefined) throw restoredError(restored)
    if (this.isLossOpen(book)) throw volatileLost()
  }

  /** For every entry but evidence and an acknowledgement, under the write lock. Throws `LEDGER_RESTORED`, `VOLATILE_LOST` for good. */
  refuseWriting(): void {
    this.refuseBehind(this.head())
    if (this.lost !== null) throw volatileLost()
  }

  /** The anchor's own book, and how many of its entries the ledger lacks. Throws `LEDGER_REFUSED` for a broken one. */
  anchored(): { readonly anchored: Book; readonly missingEntries: number } {
    const reading = beginReading()
    const rows = this.#anchor?.rows() ?? []
    readRows(reading, rows)
    refuseBroken(reading)
    const isMissing = (row: SqlRow) => hashAt(this.#ledger, whole(row, 'seq')) !== text(row, 'hash')
    return { anchored: reading.book, missingEntries: rows.filter(isMissing).length }
  }

  /**
   * Whether `volatile/` alone went back: no entry is written before the anchor has all earlier ones, so a crash leaves one that it
   * lacks, however many processes there are. An anchor without any entry tells nothing: it may be new, or its ledger just adopted.
   */
  isAnchorOld(): boolean {
    const anchor = this.#anchor
    if (anchor === null) return false
    // The ledger first: what others write in between can only make the anchor look younger.
    const written = whole(this.#ledger.get('SELECT seq FROM head') ?? {}, 'seq')
    const head = anchor.head()
    return head.seq > 0 && written > head.seq + 1 && !this.isBehind(head)
  }

  /** Brings the anchor up to the ledger, unless one of them is in question. */
  extend(): void {
    const anchor = this.#anchor
    if (anchor === null || this.isBehind(anchor.head())) return
    // A new anchor takes all or none, or it would look like an old one.
    if (anchor.head().seq === 0) anchor.extend(allRows(this.#ledger))
    for (let rows = rowsAfter(this.#ledger, anchor.head().seq); rows.length > 0; ) {
      anchor.extend(rows)
      rows = rowsAfter(this.#ledger, anchor.head().seq)
    }
  }

  /** After an acknowledgement the ledger's chain is the one. */
  replace(): void {
    this.#anchor?.replace(allRows(this.#ledger))
  }

  close(): void {
    this.#anchor?.close()
  }
}
