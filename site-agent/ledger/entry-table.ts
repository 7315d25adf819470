import type { SqliteStore, SqlRow } from '@tributary/shared/store/sqlite'
import { text } from '@tributary/shared/store/sqlite'
import type { Entry } from './entry.ts'

/** One row an entry; the ledger and its anchor have the same table. */
export const entryTable = `CREATE TABLE entries (
     seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, content BLOB NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
   ) STRICT;`

/** The next rows, at most 256. */
export const rowsAfter = (store: SqliteStore, seq: number): SqlRow[] =>
  store.all('SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT 256', seq)

export const allRows = (store: SqliteStore): SqlRow[] => store.all('SELECT * FROM entries ORDER BY seq')

export const hashAt = (store: SqliteStore, seq: number): string | undefined => {
  const row = store.get('SELECT hash FROM entries WHERE seq = ?', seq)
  return row && text(row, 'hash')
}

export const insertEntry = (
  store: SqliteStore,
  { seq, at, previous, hash }: Omit<Entry, 'content'>,
  content: Uint8Array,
): void => {
  store.run('INSERT INTO entries VALUES (?, ?, ?, ?, ?)', seq, BigInt(at), content, previous, hash)
}
