import { CodedError } from '@tributary/shared/errors'
import type { Digest, StudyId } from '@tributary/shared/ids'
import { blob, openStore, type SqliteStore, text } from '@tributary/shared/store/sqlite'
import { count } from '@tributary/shared/units'

/** What an answer is for. `announcement` hashes the announced set U with every member's own signed contribution. */
export interface AnswerRequest {
  readonly study: StudyId
  readonly step: number
  readonly attempt: number
  readonly announcement: Digest
}

const migrations = [
  `CREATE TABLE answers (
     study TEXT NOT NULL, step INTEGER NOT NULL, attempt INTEGER NOT NULL, announcement TEXT NOT NULL, answer BLOB,
     PRIMARY KEY (study, step, attempt)
   ) STRICT, WITHOUT ROWID;`,
]

const key = 'study = ? AND step = ? AND attempt = ?'

type Place = readonly [StudyId, number, number]

const placeOf = ({ study, step, attempt }: AnswerRequest): Place => [
  study,
  count('step', step),
  count('attempt', attempt),
]

/**
 * One answer per attempt, for ever (R4). The key is (study, step, attempt) and nothing else, so no new roster, epoch or plan
 * opens an attempt again (R2). Two answers over different U would isolate a site. Leave it out of backups: a restored log
 * has forgotten what it answered.
 */
export class AnswerLog {
  readonly #store: SqliteStore

  private constructor(store: SqliteStore) {
    this.#store = store
  }

  static open(path: string): AnswerLog {
    return new AnswerLog(openStore(path, { synchronous: 'EXTRA', migrations }))
  }

  /**
   * The stored answer, or the one that `make` now computes. The announcement is durable before `make` runs and the answer
   * before it is returned; after a crash between the two, `make` runs again for that same announcement alone. Throws
   * `ANSWER_REFUSED` for any other announcement, whether or not the first was ever answered. Two commits a new answer.
   */
  answer(request: AnswerRequest, make: () => Uint8Array): Uint8Array {
    const where = placeOf(request)
    this.#store.run(
      'INSERT OR IGNORE INTO answers (study, step, attempt, announcement) VALUES (?, ?, ?, ?)',
      ...where,
      request.announcement,
    )
    const earlier = this.#read(where, request.announcement)
    if (earlier !== undefined) return earlier
    const fresh = make()
    this.#store.run(`UPDATE answers SET answer = ? WHERE ${key} AND answer IS NULL`, fresh, ...where)
    // Another process may have been first: only what is stored is ever sent.
    const kept = this.#read(where, request.announcement)
    if (kept === undefined) throw new CodedError('STATE_CORRUPT', 'the answer log did not keep an answer')
    return kept
  }

  /** The stored answer, without computing one. Throws `ANSWER_REFUSED` where another announcement was bound. */
  kept(request: AnswerRequest): Uint8Array | undefined {
    const where = placeOf(request)
    const isBound = this.#store.get(`SELECT 1 AS one FROM answers WHERE ${key}`, ...where) !== undefined
    return isBound ? this.#read(where, request.announcement) : undefined
  }

  close(): void {
    this.#store.close()
  }

  #read(where: Place, announcement: Digest): Uint8Array | undefined {
    const row = this.#store.get(`SELECT announcement, answer FROM answers WHERE ${key}`, ...where)
    if (row === undefined) throw new CodedError('STATE_CORRUPT', 'the answer log did not keep an announcement')
    if (text(row, 'announcement') !== announcement) {
      throw new CodedError(
        'ANSWER_REFUSED',
        `another contributor set was announced for step ${where[1]}, attempt ${where[2]}`,
      )
    }
    return row.answer === null ? undefined : blob(row, 'answer')
  }
}
