import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { CodedError } from '../errors.ts'
import { makeFolder, syncFolder } from './durable-folder.ts'
import { storeError } from './store-error.ts'

export type SqlValue = null | number | bigint | string | Uint8Array
/** Integers arrive as bigint, whatever their size. */
export type SqlRow = Readonly<Record<string, null | number | bigint | string | Uint8Array>>

export interface StoreOptions {
  /** FULL syncs the log at every commit; EXTRA also the directory: for what must never be forgotten. */
  readonly synchronous: 'FULL' | 'EXTRA'
  /** SQL scripts, in order, each applied once; only ever add at the end. */
  readonly migrations: readonly string[]
  /** How long to wait for another process's lock before `STORE_LOCKED`. */
  readonly lockWaitMs?: number
}

/**
 * One SQLite file in WAL mode. Every method throws `STORE_LOCKED`, `DISK_FULL` or `STATE_CORRUPT` where SQLite says so. A commit
 * has reached the disk when `transaction`, or a `run` outside one, returns.
 */
export interface SqliteStore {
  /** Changes rows; returns how many. */
  run(sql: string, ...values: SqlValue[]): number
  get(sql: string, ...values: SqlValue[]): SqlRow | undefined
  all(sql: string, ...values: SqlValue[]): SqlRow[]
  /** Runs `work` under the write lock taken at once (BEGIN IMMEDIATE), all of it or nothing; not to be nested. */
  transaction<T>(work: () => T): T
  close(): void
}

const makePrivateFile = (path: string): void => {
  const folder = dirname(path)
  makeFolder(folder)
  closeSync(openSync(path, 'a', 0o600)) // SQLite gives the -wal and -shm files the same mode
  syncFolder(folder)
}

const configure = (database: DatabaseSync, options: StoreOptions): void => {
  // The journal mode needs the lock that a starting neighbour may hold; SQLite does not wait for it by itself.
  database.exec(`PRAGMA busy_timeout = ${options.lockWaitMs ?? 5000}`)
  database.exec('PRAGMA journal_mode = WAL')
  database.exec(`PRAGMA synchronous = ${options.synchronous}`)
  database.exec('PRAGMA trusted_schema = OFF')
}

const migrate = (database: DatabaseSync, migrations: readonly string[]): void => {
  database.exec('BEGIN IMMEDIATE')
  try {
    const applied = Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0)
    if (applied > migrations.length) {
      throw new CodedError(
        'PROTOCOL_UNSUPPORTED',
        `the data directory has store version ${applied}, this program knows up to ${migrations.length}`,
      )
    }
    for (const script of migrations.slice(applied)) database.exec(script)
    if (applied < migrations.length) database.exec(`PRAGMA user_version = ${migrations.length}`)
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

class Store implements SqliteStore {
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(path: string, options: StoreOptions) {
    this.#path = path
    this.#database = this.#guard(() => {
      makePrivateFile(path)
      return new DatabaseSync(path, { readBigInts: true, timeout: options.lockWaitMs ?? 5000, allowExtension: false })
    })
    try {
      this.#guard(() => {
        configure(this.#database, options)
        migrate(this.#database, options.migrations)
      })
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  run(sql: string, ...values: SqlValue[]): number {
    return this.#guard(() => Number(this.#prepared(sql).run(...(values as SQLInputValue[])).changes))
  }

  get(sql: string, ...values: SqlValue[]): SqlRow | undefined {
    return this.#guard(() => this.#prepared(sql).get(...(values as SQLInputValue[])) as SqlRow | undefined)
  }

  all(sql: string, ...values: SqlValue[]): SqlRow[] {
    return this.#guard(() => this.#prepared(sql).all(...(values as SQLInputValue[])) as SqlRow[])
  }

  transaction<T>(work: () => T): T {
    if (this.#database.isTransaction) throw new CodedError('INTERNAL', 'a transaction inside a transaction')
    this.#guard(() => this.#database.exec('BEGIN IMMEDIATE'))
    try {
      const result = work()
      this.#guard(() => this.#database.exec('COMMIT'))
      return result
    } catch (error) {
      // A full disk may have rolled back already; what counts is that nothing stays half done.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  close(): void {
    this.#statements.clear()
    if (this.#database.isOpen) this.#guard(() => this.#database.close())
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }

  #guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw storeError(this.#path, error)
    }
  }
}

/** Opens or creates the file (readable by its owner alone) and brings it up to date. Throws also `PROTOCOL_UNSUPPORTED`. */
export const openStore = (path: string, options: StoreOptions): SqliteStore => new Store(path, options)

/** A column that holds a whole number, as a number. Throws `STATE_CORRUPT` for anything else. */
export const whole = (row: SqlRow, column: string): number => {
  const value = row[column]
  const number = typeof value === 'bigint' ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(number)) throw new CodedError('STATE_CORRUPT', `no whole number in column ${column}`)
  return number
}

/** A column that holds text. Throws `STATE_CORRUPT` for anything else. */
export const text = (row: SqlRow, column: string): string => {
  const value = row[column]
  if (typeof value !== 'string') throw new CodedError('STATE_CORRUPT', `no text in column ${column}`)
  return value
}

/** A column that holds bytes, copied out of SQLite. Throws `STATE_CORRUPT` for anything else. */
export const blob = (row: SqlRow, column: string): Uint8Array => {
  const value = row[column]
  if (!(value instanceof Uint8Array)) throw new CodedError('STATE_CORRUPT', `no bytes in column ${column}`)
  return value
}
