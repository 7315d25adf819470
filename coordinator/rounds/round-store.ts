import { CodedError } from '@tributary/shared/errors'
import { type Digest, digest, type RoundId, type SiteId, siteId, type StudyId } from '@tributary/shared/ids'
import { blob, openStore, type SqliteStore, text, whole } from '@tributary/shared/store/sqlite'
import type { TrainingHealth } from '@tributary/shared/synthesizers/family'
import { messageBytes, messageFrom } from '@tributary/shared/wire/body'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { RoundState } from './round.ts'
import type { RunState } from './run.ts'

export type RoundMessage = 'deal' | 'check' | 'contribution' | 'answer'

const migrations = [
  `CREATE TABLE runs (study TEXT PRIMARY KEY, state TEXT NOT NULL, model TEXT NOT NULL, times TEXT NOT NULL) STRICT;
   CREATE TABLE rounds (round TEXT PRIMARY KEY, study TEXT NOT NULL, step INTEGER NOT NULL, attempt INTEGER NOT NULL,
     state TEXT NOT NULL, UNIQUE (study, step, attempt)) STRICT;
   CREATE TABLE messages (round TEXT NOT NULL, kind TEXT NOT NULL, site TEXT NOT NULL, message BLOB NOT NULL,
     PRIMARY KEY (round, kind, site)) STRICT, WITHOUT ROWID;
   CREATE TABLE boxes (round TEXT NOT NULL, dealer TEXT NOT NULL, holder TEXT NOT NULL, box BLOB NOT NULL,
     PRIMARY KEY (round, dealer, holder)) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE parts (round TEXT NOT NULL, site TEXT NOT NULL, hashes TEXT NOT NULL,
     PRIMARY KEY (round, site)) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE counters (study TEXT NOT NULL, site TEXT NOT NULL, counter INTEGER NOT NULL,
     PRIMARY KEY (study, site)) STRICT, WITHOUT ROWID;`,
]

/** When each part of a run began, in milliseconds since 1970, and how its training goes; what is not reached yet is absent. */
export interface RunTimes {
  readonly started?: number
  readonly marginals?: number
  readonly finished?: number
  readonly health?: TrainingHealth
}

/**
 * Everything a restarted coordinator needs to go on: runs, rounds, and the sites' messages for rounds not yet closed. One
 * write a call; `transaction` makes several one.
 */
export class RoundStore {
  readonly #store: SqliteStore

  private constructor(store: SqliteStore) {
    this.#store = store
  }

  static open(path: string): RoundStore {
    return new RoundStore(openStore(path, { synchronous: 'FULL', migrations }))
  }

  transaction<T>(work: () => T): T {
    return this.#store.transaction(work)
  }

  run(study: StudyId): { state: RunState; model: Digest; times: RunTimes } | undefined {
    const row = this.#store.get('SELECT state, model, times FROM runs WHERE study = ?', study)
    return (
      row && {
        state: JSON.parse(text(row, 'state')) as RunState,
        model: digest(text(row, 'model')),
        times: JSON.parse(text(row, 'times')) as RunTimes,
      }
    )
  }

  /** `model` is the file of the training state that this run has reached. */
  saveRun(state: RunState, model: Digest, times: RunTimes): void {
    this.#store.run(
      'INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)',
      state.study,
      JSON.stringify(state),
      model,
      JSON.stringify(times),
    )
  }

  saveRound(study: StudyId, state: RoundState): void {
    this.#store.run(
      'INSERT INTO rounds VALUES (?, ?, ?, ?, ?) ON CONFLICT (round) DO UPDATE SET state = excluded.state',
      state.round,
      study,
      state.step,
      state.attempt,
      JSON.stringify(state),
    )
  }

  round(study: StudyId, step: number, attempt: number): RoundState | undefined {
    const row = this.#store.get(
      'SELECT state FROM rounds WHERE study = ? AND step = ? AND attempt = ?',
      study,
      step,
      attempt,
    )
    return row && (JSON.parse(text(row, 'state')) as RoundState)
  }

  /** In the order of steps and attempts. */
  rounds(study: StudyId): RoundState[] {
    return this.#store
      .all('SELECT state FROM rounds WHERE study = ? ORDER BY step, attempt', study)
      .map((row) => JSON.parse(text(row, 'state')) as RoundState)
  }

  /** Keeps a site's one message of a kind; the same bytes again change nothing, others throw `ROUND_REFUSED`. */
  keep(round: RoundId, kind: RoundMessage, site: SiteId, message: SignedMessage): void {
    const bytes = messageBytes(message)
    const isNew = this.#store.run('INSERT OR IGNORE INTO messages VALUES (?, ?, ?, ?)', round, kind, site, bytes) === 1
    if (isNew) return
    const kept = this.message(round, kind, site)
    if (kept === undefined || Buffer.compare(messageBytes(kept), bytes) !== 0)
      throw new CodedError('ROUND_REFUSED', `${site} sent a second, different ${kind} for one attempt`)
  }

  message(round: RoundId, kind: RoundMessage, site: SiteId): SignedMessage | undefined {
    const row = this.#store.get(
      'SELECT message FROM messages WHERE round = ? AND kind = ? AND site = ?',
      round,
      kind,
      site,
    )
    return row && messageFrom(blob(row, 'message'))
  }

  messages(round: RoundId, kind: RoundMessage): { site: SiteId; message: SignedMessage }[] {
    return this.#store
      .all('SELECT site, message FROM messages WHERE round = ? AND kind = ? ORDER BY site', round, kind)
      .map((row) => ({ site: siteId(text(row, 'site')), message: messageFrom(blob(row, 'message')) }))
  }

  keepBox(round: RoundId, dealer: SiteId, holder: SiteId, box: Uint8Array): void {
    this.#store.run('INSERT OR REPLACE INTO boxes VALUES (?, ?, ?, ?)', round, dealer, holder, box)
  }

  boxes(round: RoundId, holder: SiteId): { dealer: SiteId; box: Uint8Array }[] {
    return this.#store
      .all('SELECT dealer, box FROM boxes WHERE round = ? AND holder = ? ORDER BY dealer', round, holder)
      .map((row) => ({ dealer: siteId(text(row, 'dealer')), box: blob(row, 'box') }))
  }

  /** What a dealer sealed, by holder. */
  boxesOf(round: RoundId, dealer: SiteId): { holder: SiteId; box: Uint8Array }[] {
    return this.#store
      .all('SELECT holder, box FROM boxes WHERE round = ? AND dealer = ? ORDER BY holder', round, dealer)
      .map((row) => ({ holder: siteId(text(row, 'holder')), box: blob(row, 'box') }))
  }

  /** The hashes of the parts of the contribution that a site offers, in order; a later offer replaces an earlier one. */
  keepParts(round: RoundId, site: SiteId, hashes: readonly Digest[]): void {
    this.#store.run('INSERT OR REPLACE INTO parts VALUES (?, ?, ?)', round, site, JSON.stringify(hashes))
  }

  partHashes(round: RoundId, site: SiteId): readonly Digest[] | undefined {
    const row = this.#store.get('SELECT hashes FROM parts WHERE round = ? AND site = ?', round, site)
    return row && (JSON.parse(text(row, 'hashes')) as string[]).map(digest)
  }

  /** The counter of a contribution of a set that is announced with this (R4); one that is not higher changes nothing. */
  keepCounter(study: StudyId, site: SiteId, counter: number): void {
    this.#store.run(
      `INSERT INTO counters VALUES (?, ?, ?)
       ON CONFLICT (study, site) DO UPDATE SET counter = max(counter, excluded.counter)`,
      study,
      site,
      counter,
    )
  }

  /** The highest counter of a site that was announced in a study; 0 before the first. */
  announcedCounter(study: StudyId, site: SiteId): number {
    const row = this.#store.get('SELECT counter FROM counters WHERE study = ? AND site = ?', study, site)
    return row === undefined ? 0 : whole(row, 'counter')
  }

  /** A closed round keeps its state and its contributors' signed statements; boxes and answers go. */
  forget(round: RoundId): void {
    this.#store.run('DELETE FROM boxes WHERE round = ?', round)
    this.#store.run('DELETE FROM parts WHERE round = ?', round)
    this.#store.run("DELETE FROM messages WHERE round = ? AND kind <> 'contribution'", round)
  }

  close(): void {
    this.#store.close()
  }
}
