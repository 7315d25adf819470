import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const digestOf = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Every row of every table, whatever pages, logs or shared memory hold them. */
const databaseState = (path: string): string => {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .all()
      .map(({ name }) => String(name))
    const rows = tables.map((table) => [table, database.prepare(`SELECT * FROM "${table}"`).all()])
    return digestOf(JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)))
  } finally {
    database.close()
  }
}

/** What a folder holds, by relative path: files by their bytes, SQLite stores by their rows. Two equal states: nothing was written. */
export const directoryState = (folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/-(wal|shm|journal)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted()
      .map((path) => [
        path.slice(folder.length + 1),
        path.endsWith('.sqlite') ? databaseState(path) : digestOf(readFileSync(path)),
      ]),
  )
