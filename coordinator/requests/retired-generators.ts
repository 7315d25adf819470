import { join } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import { type StudyId, studyId } from '@tributary/shared/ids'
import { openStore, type SqliteStore, text, whole } from '@tributary/shared/store/sqlite'

const migrations = ['CREATE TABLE retired (study TEXT PRIMARY KEY, time INTEGER NOT NULL) STRICT;']

export const retiredGeneratorsPath = (dataDir: string): string => join(dataDir, 'generators.sqlite')

/**
 * Completed studies of which no more cohorts are made; releases stay. The command line and the running coordinator share the
 * file: a change holds from the next call on.
 */
export class RetiredGenerators {
  readonly #store: SqliteStore

  private constructor(store: SqliteStore) {
    this.#store = store
  }

  static open(path: string): RetiredGenerators {
    return new RetiredGenerators(openStore(path, { synchronous: 'FULL', migrations }))
  }

  /** ms since 1970, by study. */
  all(): ReadonlyMap<StudyId, number> {
    const rows = this.#store.all('SELECT * FROM retired ORDER BY time')
    return new Map(rows.map((row) => [studyId(text(row, 'study')), whole(row, 'time')]))
  }

  has(study: StudyId): boolean {
    return this.#store.get('SELECT 1 AS found FROM retired WHERE study = ?', study) !== undefined
  }

  /** Throws `ALREADY_EXISTS` for one that is retired. */
  retire(study: StudyId, now: number): void {
    if (this.#store.run('INSERT OR IGNORE INTO retired VALUES (?, ?)', study, now) === 0)
      throw new CodedError('ALREADY_EXISTS', 'this generator is retired already')
  }

  /** Throws `NOT_FOUND` for one that is not retired. */
  restore(study: StudyId): void {
    if (this.#store.run('DELETE FROM retired WHERE study = ?', study) === 0)
      throw new CodedError('NOT_FOUND', 'this generator is not retired')
  }

  close(): void {
    this.#store.close()
  }
}
