import { join } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import { openStore, type SqliteStore, type SqlRow, text, whole } from '@tributary/shared/store/sqlite'
import { type Quota, usualQuota } from '../users/user-store.ts'
import { afterEvent, type RequestEvent, type RequestFacts, type RequestState } from './request-state.ts'

export interface StoredRequest {
  readonly facts: RequestFacts
  readonly progress: RequestState
}

/** A key chosen by the client, and a digest of what it asked for with it. */
export interface Idempotency {
  readonly key: string
  readonly body: string
}

const migrations = [
  `CREATE TABLE requests (
     position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, release TEXT NOT NULL UNIQUE, user TEXT NOT NULL,
     key TEXT, body TEXT, facts TEXT NOT NULL, state TEXT NOT NULL, progress TEXT NOT NULL, UNIQUE (user, key)
   ) STRICT;
   CREATE INDEX requests_by_state ON requests (state, position);`,
  // `turn` numbers the starts; who was served last comes last.
  `ALTER TABLE requests ADD COLUMN turn INTEGER;
   CREATE INDEX requests_by_user ON requests (user, turn);`,
]

const digits = (value: number): string => value.toLocaleString('en')

const stored = (row: SqlRow): StoredRequest => ({
  facts: JSON.parse(text(row, 'facts')) as RequestFacts,
  progress: JSON.parse(text(row, 'progress')) as RequestState,
})

export const requestsPath = (dataDir: string): string => join(dataDir, 'requests.sqlite')

/** Every request and how far it has come; each change is durable before anybody acts on it. */
export class RequestStore {
  readonly #store: SqliteStore

  private constructor(store: SqliteStore) {
    this.#store = store
  }

  static open(path: string): RequestStore {
    return new RequestStore(openStore(path, { synchronous: 'FULL', migrations }))
  }

  /** What the same user asked for with the same key before. Throws `IDEMPOTENCY_KEY_REUSED` when that was something else. */
  earlier(user: string, { key, body }: Idempotency): StoredRequest | undefined {
    const row = this.#store.get('SELECT * FROM requests WHERE user = ? AND key = ?', user, key)
    if (row !== undefined && text(row, 'body') !== body)
      throw new CodedError('IDEMPOTENCY_KEY_REUSED', 'this key was used for a request with another body', {
        place: { field: 'idempotency-key' },
      })
    return row && stored(row)
  }

  /**
   * Queues a request, or finds the `earlier` one. Throws `TOO_MANY_REQUESTS` when too many of this user's are unfinished,
   * `QUOTA_EXCEEDED` for more rows than the user may keep.
   */
  accept(
    facts: RequestFacts,
    idempotency?: Idempotency,
    quota: Quota = usualQuota,
  ): { request: StoredRequest; isNew: boolean } {
    return this.#store.transaction(() => {
      const earlier = idempotency && this.earlier(facts.user, idempotency)
      if (earlier !== undefined) return { request: earlier, isNew: false }
      this.#refuseTooMuch(facts, quota)
      const request: StoredRequest = { facts, progress: { state: 'queued' } }
      this.#store.run(
        'INSERT INTO requests (id, release, user, key, body, facts, state, progress) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        facts.id,
        facts.release,
        facts.user,
        idempotency?.key ?? null,
        idempotency?.body ?? null,
        JSON.stringify(facts),
        request.progress.state,
        JSON.stringify(request.progress),
      )
      return { request, isNew: true }
    })
  }

  /**
   * What to make now: what was being made, else the oldest in the queue of whoever was served longest ago, so that nobody waits
   * for more than one request of each other user. `except` names requests to pass over.
   */
  next(except: readonly string[] = []): StoredRequest | undefined {
    const row = this.#store.get(
      `SELECT * FROM requests AS r WHERE state IN ('running', 'queued') AND id NOT IN (SELECT value FROM json_each(?))
       ORDER BY state DESC, (SELECT max(turn) FROM requests WHERE user = r.user) NULLS FIRST, position LIMIT 1`,
      JSON.stringify(except),
    )
    return row && stored(row)
  }

  /** Takes one request a step further. Throws `NOT_FOUND`, `INTERNAL`. */
  advance(id: string, event: RequestEvent): StoredRequest {
    return this.#store.transaction(() => {
      const before = this.request(id)
      const progress = afterEvent(before.progress, event)
      this.#store.run(
        'UPDATE requests SET state = ?, progress = ? WHERE id = ?',
        progress.state,
        JSON.stringify(progress),
        id,
      )
      if (event.kind === 'start')
        this.#store.run('UPDATE requests SET turn = (SELECT coalesce(max(turn), 0) + 1 FROM requests) WHERE id = ?', id)
      return { facts: before.facts, progress }
    })
  }

  /** Throws `NOT_FOUND`. */
  request(id: string): StoredRequest {
    return this.#found(this.#store.get('SELECT * FROM requests WHERE id = ?', id))
  }

  /** Throws `NOT_FOUND`. */
  requestOfRelease(release: string): StoredRequest {
    return this.#found(this.#store.get('SELECT * FROM requests WHERE release = ?', release))
  }

  /** The newest first, of one user or of all, and only those made before another. Throws `NOT_FOUND` for that other. */
  requests(wanted: { user?: string; before?: string; limit: number }): readonly StoredRequest[] {
    const { user = null, before, limit } = wanted
    if (before !== undefined) this.request(before)
    return this.#store
      .all(
        `SELECT * FROM requests WHERE (?1 IS NULL OR user = ?1)
         AND (?2 IS NULL OR position < (SELECT position FROM requests WHERE id = ?2)) ORDER BY position DESC LIMIT ?3`,
        user,
        before ?? null,
        limit,
      )
      .map(stored)
  }

  close(): void {
    this.#store.close()
  }

  #refuseTooMuch({ user, rows }: RequestFacts, quota: Quota): void {
    const counted = this.#store.get(
      `SELECT count(*) FILTER (WHERE state <> 'done') AS unfinished, coalesce(sum(facts ->> 'rows'), 0) AS rows
       FROM requests WHERE user = ? AND state IN ('queued', 'running', 'done')`,
      user,
    )
    const held = counted === undefined ? 0 : whole(counted, 'rows')
    if (counted !== undefined && whole(counted, 'unfinished') >= quota.unfinished)
      throw new CodedError('TOO_MANY_REQUESTS', `${quota.unfinished} requests of this user are not finished yet`)
    if (held + rows <= quota.rows) return
    const why = `${digits(rows)} rows on top of ${digits(held)} kept or on their way; ${digits(quota.rows)} are allowed`
    throw new CodedError('QUOTA_EXCEEDED', why, { place: { field: 'rows' } })
  }

  #found(row: SqlRow | undefined): StoredRequest {
    if (row === undefined) throw new CodedError('NOT_FOUND', 'no such request or release')
    return stored(row)
  }
}
