import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import { blob, openStore, type SqliteStore, type SqlRow, text, whole } from '@tributary/shared/store/sqlite'

/** What one user may have at a time. */
export interface Quota {
  /** Rows of requests in the queue, in the making, and of releases kept. */
  readonly rows: number
  /** Requests in the queue or in the making. */
  readonly unfinished: number
}

export const usualQuota: Quota = { rows: 20_000_000, unfinished: 20 }

export type Role = 'researcher' | 'operator'

/** Someone who may call the researchers' API. */
export interface User {
  readonly name: string
  readonly role: Role
  /** ms since 1970. */
  readonly created: number
  /** Present once the token stopped working; the name stays taken, for the audit speaks of it. */
  readonly removed?: number
  readonly quota: Quota
}

/** What was done on whose behalf with what: a route's name and the object that it touched, never a token. */
export interface AuditEntry {
  readonly time: number
  readonly user: string
  readonly action: string
  readonly object: string
  readonly detail: string
}

const migrations = [
  `CREATE TABLE users (
     name TEXT PRIMARY KEY, role TEXT NOT NULL, token_hash BLOB NOT NULL UNIQUE, created INTEGER NOT NULL, removed INTEGER
   ) STRICT;
   CREATE TABLE audit (
     entry INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, user TEXT NOT NULL, action TEXT NOT NULL,
     object TEXT NOT NULL, detail TEXT NOT NULL
   ) STRICT;
   CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
   CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;`,
  // Null: as usual.
  'ALTER TABLE users ADD COLUMN quota_rows INTEGER; ALTER TABLE users ADD COLUMN quota_unfinished INTEGER;',
]

const nameForm = /^[a-z][a-z0-9._-]{0,39}$/
/** 256 random bits in base64url; the prefix is for whoever finds one where it should not be. */
const newToken = (): string => `trib_${randomBytes(32).toString('base64url')}`
const tokenHash = (token: string): Buffer => createHash('sha256').update(token).digest()

const userOf = (row: SqlRow): User => ({
  name: text(row, 'name'),
  role: text(row, 'role') === 'operator' ? 'operator' : 'researcher',
  created: whole(row, 'created'),
  ...(row['removed'] !== null && { removed: whole(row, 'removed') }),
  quota: {
    rows: row['quota_rows'] === null ? usualQuota.rows : whole(row, 'quota_rows'),
    unfinished: row['quota_unfinished'] === null ? usualQuota.unfinished : whole(row, 'quota_unfinished'),
  },
})

export const usersPath = (dataDir: string): string => join(dataDir, 'users.sqlite')

/** Who may call the API, and what they did. The command line and the running coordinator share the file. */
export class UserStore {
  readonly #store: SqliteStore

  private constructor(store: SqliteStore) {
    this.#store = store
  }

  static open(path: string): UserStore {
    return new UserStore(openStore(path, { synchronous: 'FULL', migrations }))
  }

  /** The token, to be shown once: only its SHA-256 is kept. Throws `ALREADY_EXISTS`, also for a removed user's name. */
  add(name: string, role: Role, now: number): string {
    if (!nameForm.test(name))
      throw new CodedError('ID_MALFORMED', "a user's name is 1 to 40 of a-z, 0-9, '.', '_' and '-', from a letter")
    const token = newToken()
    const added = this.#store.run(
      'INSERT OR IGNORE INTO users (name, role, token_hash, created) VALUES (?, ?, ?, ?)',
      name,
      role,
      tokenHash(token),
      now,
    )
    if (added === 0) throw new CodedError('ALREADY_EXISTS', `there is, or was, a user ${name}`)
    return token
  }

  /** Another token for a user who lost one, removed or not; the earlier one stops working. Throws `NOT_FOUND`. */
  renew(name: string, role: Role): string {
    const token = newToken()
    const sql = 'UPDATE users SET token_hash = ?, role = ?, removed = NULL WHERE name = ?'
    if (this.#store.run(sql, tokenHash(token), role, name) === 0) throw new CodedError('NOT_FOUND', 'no such user')
    return token
  }

  /** Holds from the next request on; what is left out stays. Throws `NOT_FOUND`, `ARGUMENT_INVALID`. */
  allow(name: string, quota: Partial<Quota>): void {
    for (const [field, value] of Object.entries(quota))
      if (!Number.isSafeInteger(value) || value < 0)
        throw new CodedError('ARGUMENT_INVALID', 'a quota is a whole number, 0 or more', { place: { field } })
    const { rows = null, unfinished = null } = quota
    const sql = `UPDATE users SET quota_rows = coalesce(?, quota_rows), quota_unfinished = coalesce(?, quota_unfinished)
      WHERE name = ?`
    if (this.#store.run(sql, rows, unfinished, name) === 0) throw new CodedError('NOT_FOUND', 'no such user')
  }

  /** By name, the removed ones included. */
  users(): readonly User[] {
    return this.#store.all('SELECT * FROM users ORDER BY name').map(userOf)
  }

  /** Ends a user's access at the next call. Throws `NOT_FOUND`. */
  remove(name: string, now: number): void {
    if (this.#store.run('UPDATE users SET removed = ? WHERE name = ? AND removed IS NULL', now, name) === 0)
      throw new CodedError('NOT_FOUND', 'no such user, or removed before')
  }

  /**
   * Whose token this is, or undefined. Every user's hash is compared in constant time, so that the time says nothing about a
   * hash that is nearly right; O(users).
   */
  holderOf(token: string): User | undefined {
    const hash = tokenHash(token)
    let holder: User | undefined
    for (const row of this.#store.all('SELECT * FROM users WHERE removed IS NULL')) {
      const known = blob(row, 'token_hash')
      if (known.length === hash.length && timingSafeEqual(known, hash)) holder = userOf(row)
    }
    return holder
  }

  /** Appends; durable on return. */
  note(entry: AuditEntry): void {
    const { time, user, action, object, detail } = entry
    this.#store.run(
      'INSERT INTO audit (time, user, action, object, detail) VALUES (?, ?, ?, ?, ?)',
      time,
      user,
      action,
      object,
      detail,
    )
  }

  /** The newest first. */
  audit(limit = 100): readonly AuditEntry[] {
    return this.#store.all('SELECT * FROM audit ORDER BY entry DESC LIMIT ?', limit).map((row) => ({
      time: whole(row, 'time'),
      user: text(row, 'user'),
      action: text(row, 'action'),
      object: text(row, 'object'),
      detail: text(row, 'detail'),
    }))
  }

  close(): void {
    this.#store.close()
  }
}
