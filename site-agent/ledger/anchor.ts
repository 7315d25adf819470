import { type Digest, digest } from '@tributary/shared/ids'
import { blob, openStore, type SqliteStore, type SqlRow, text, whole } from '@tributary/shared/store/sqlite'
import { firstPrevious } from './entry.ts'
import { allRows, entryTable, hashAt, insertEntry } from './entry-table.ts'

/** The last entry that is known to have been written. */
export interface Head {
  readonly seq: number
  readonly hash: Digest
}

/**
 * A second copy of the ledger's chain that is left out of backups (`volatile/`, R4): a ledger that lacks its head has gone back,
 * and what is missing can be read here. Written after the ledger's own commit and before its call returns, so a crash between
 * the two leaves the anchor behind the ledger, never ahead of it.
 */
export class LedgerAnchor {
  readonly #store: SqliteStore

  private constructor(store: SqliteStore) {
    this.#store = store
  }

  static open(path: string): LedgerAnchor {
    return new LedgerAnchor(openStore(path, { synchronous: 'EXTRA', migrations: [entryTable] }))
  }

  /** Seq 0 before the first entry. */
  head(): Head {
    const row = this.#store.get('SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1')
    return row === undefined
      ? { seq: 0, hash: firstPrevious }
      : { seq: whole(row, 'seq'), hash: digest(text(row, 'hash')) }
  }

  rows(): SqlRow[] {
    return allRows(this.#store)
  }

  /** Adds the rows that are not here; durable when it returns. Two processes may add the same ones. */
  extend(rows: readonly SqlRow[]): void {
    if (rows.length > 0) this.#store.transaction(() => this.#insert(rows))
  }

  /** After an acknowledgement: from now on the ledger's own chain is the one. */
  replace(rows: readonly SqlRow[]): void {
    this.#store.transaction(() => {
      this.#store.run('DELETE FROM entries')
      this.#insert(rows)
    })
  }

  close(): void {
    this.#store.close()
  }

  #insert(rows: readonly SqlRow[]): void {
    for (const row of rows) {
      const [seq, at] = [whole(row, 'seq'), whole(row, 'at')]
      if (hashAt(this.#store, seq) !== undefined) continue
      const hashes = { previous: digest(text(row, 'previous')), hash: digest(text(row, 'hash')) }
      insertEntry(this.#store, { seq, at, ...hashes }, blob(row, 'content'))
    }
  }
}
