import { CodedError } from '@tributary/shared/errors'
import { type Digest, type StudyId, studyId } from '@tributary/shared/ids'
import { blob, openStore, type SqliteStore, text } from '@tributary/shared/store/sqlite'
import { decodeManifest, encodeManifest, type Manifest } from '@tributary/shared/study/manifest'
import type { Roster } from '@tributary/shared/wire/messages'
import { decodeRoster, encodeRoster, rosterHash } from '@tributary/shared/wire/roster'

/** A file of this hospital as the officer named it; the settings override the study's source block. */
export interface NamedSource {
  readonly name: string
  readonly path: string
  readonly overrides: { readonly header?: boolean; readonly delimiter?: string; readonly missing?: readonly string[] }
}

export type StudyState = 'approved' | 'paused' | 'revoked' | 'finished'

export interface BookedStudy {
  readonly study: StudyId
  readonly manifest: Manifest
  readonly roster: Roster
  readonly source: string
  readonly state: StudyState
}

const migrations = [
  `CREATE TABLE sources (name TEXT PRIMARY KEY, path TEXT NOT NULL, overrides TEXT NOT NULL) STRICT;
   CREATE TABLE rosters (version INTEGER PRIMARY KEY, hash TEXT NOT NULL, roster BLOB NOT NULL) STRICT;
   CREATE TABLE studies (study TEXT PRIMARY KEY, manifest BLOB NOT NULL, roster BLOB NOT NULL, source TEXT NOT NULL,
     state TEXT NOT NULL) STRICT;`,
  'CREATE TABLE shown (study TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;',
  `CREATE TABLE signed_rosters (hash TEXT PRIMARY KEY, version INTEGER NOT NULL, roster BLOB NOT NULL)
   STRICT, WITHOUT ROWID;`,
  `CREATE TABLE confirmed_roster (one INTEGER PRIMARY KEY CHECK (one = 1), roster BLOB NOT NULL) STRICT;
   INSERT INTO confirmed_roster SELECT 1, roster FROM rosters ORDER BY version DESC LIMIT 1;`,
]

const refuse = (why: string): never => {
  throw new CodedError('ROSTER_REFUSED', why)
}

/** What the officer decided at this site: sources, the confirmed roster, approved studies. Durable at every call. */
export class SiteBook {
  readonly #store: SqliteStore

  private constructor(store: SqliteStore) {
    this.#store = store
  }

  static open(path: string): SiteBook {
    return new SiteBook(openStore(path, { synchronous: 'FULL', migrations }))
  }

  addSource({ name, path, overrides }: NamedSource): void {
    const added = this.#store.run(
      'INSERT OR IGNORE INTO sources VALUES (?, ?, ?)',
      name,
      path,
      JSON.stringify(overrides),
    )
    if (added === 0) throw new CodedError('ALREADY_EXISTS', `there is a source ${name} already`)
  }

  removeSource(name: string): void {
    if (this.#store.run('DELETE FROM sources WHERE name = ?', name) === 0)
      throw new CodedError('NOT_FOUND', `there is no source ${name}`)
  }

  sources(): NamedSource[] {
    return this.#store.all('SELECT * FROM sources ORDER BY name').map((row) => ({
      name: text(row, 'name'),
      path: text(row, 'path'),
      overrides: JSON.parse(text(row, 'overrides')) as NamedSource['overrides'],
    }))
  }

  /** Throws `SOURCE_MISSING`. */
  source(name: string): NamedSource {
    const found = this.sources().find((source) => source.name === name)
    if (found === undefined) throw new CodedError('SOURCE_MISSING', `there is no source ${name}`)
    return found
  }

  /**
   * Pins a roster whose admin's signature was checked, and whose new keys the officer confirmed. The first one pins the admin's
   * key and the federation with it. Throws `ROSTER_REFUSED` for another federation, another admin, and for a version older than one
   * pinned or noted here.
   */
  pinRoster(roster: Roster): void {
    const pinned = this.roster()
    this.refuseOtherFederation(roster)
    if (pinned !== undefined && Buffer.compare(pinned.admin, roster.admin) !== 0)
      refuse('another admin key than the one that was confirmed here: it never changes')
    if (pinned !== undefined && pinned.version > roster.version)
      refuse(`version ${pinned.version} is confirmed already, this is the older version ${roster.version}`)
    const hash = rosterHash(roster)
    if (pinned?.version === roster.version && rosterHash(pinned) !== hash)
      refuse(`version ${roster.version} was confirmed with other members`)
    const [later] = this.rostersAfter(roster.version)
    if (later !== undefined)
      refuse(`the admin has signed version ${later.version}, this is the older version ${roster.version}`)
    this.#store.run('INSERT OR IGNORE INTO rosters VALUES (?, ?, ?)', roster.version, hash, encodeRoster(roster))
  }

  /**
   * Throws `ROSTER_REFUSED` for a roster of another federation than the pinned one: one admin may sign for several, each with
   * versions and members of its own.
   */
  refuseOtherFederation({ federation }: Pick<Roster, 'federation'>): void {
    const pinned = this.roster()
    if (pinned !== undefined && pinned.federation !== federation)
      refuse(`a roster of the federation ${federation}; ${pinned.federation} was confirmed here`)
  }

  /**
   * Remembers a roster that the pinned admin signed, for the members it removes; nobody confirmed it here. Throws
   * `ROSTER_REFUSED` for one of another federation. False where it was noted before.
   */
  noteRoster(roster: Roster): boolean {
    this.refuseOtherFederation(roster)
    const values = [rosterHash(roster), roster.version, encodeRoster(roster)] as const
    return this.#store.run('INSERT OR IGNORE INTO signed_rosters VALUES (?, ?, ?)', ...values) > 0
  }

  /** Every roster of a later version that the pinned admin signed, noted or pinned; two of one version are both there. */
  rostersAfter(version: number): Roster[] {
    return this.#store
      .all(
        'SELECT roster FROM signed_rosters WHERE version > ?1 UNION SELECT roster FROM rosters WHERE version > ?1',
        version,
      )
      .map((row) => decodeRoster(blob(row, 'roster')))
      .toSorted((a, b) => b.version - a.version)
  }

  roster(): Roster | undefined {
    const row = this.#store.get('SELECT roster FROM rosters ORDER BY version DESC LIMIT 1')
    return row && decodeRoster(blob(row, 'roster'))
  }

  /** Remembers the roster that the officer confirmed; the agent may pin later ones, which only remove. */
  noteConfirmed(roster: Roster): void {
    this.#store.run('INSERT OR REPLACE INTO confirmed_roster VALUES (1, ?)', encodeRoster(roster))
  }

  /** What the officer last confirmed: as old as, or older than, `roster()`. */
  confirmedRoster(): Roster | undefined {
    const row = this.#store.get('SELECT roster FROM confirmed_roster')
    return row === undefined ? this.roster() : decodeRoster(blob(row, 'roster'))
  }

  isPinned(hash: Digest): boolean {
    return this.#store.get('SELECT 1 AS one FROM rosters WHERE hash = ?', hash) !== undefined
  }

  /** Remembers that the officer was shown this very study, manifest and roster. */
  noteShown(study: StudyId): void {
    this.#store.run('INSERT OR IGNORE INTO shown VALUES (?)', study)
  }

  /** Every study that `study show` printed here. */
  shown(): StudyId[] {
    return this.#store.all('SELECT study FROM shown ORDER BY study').map((row) => studyId(text(row, 'study')))
  }

  /** A study that is finished or revoked stays so. */
  approve({ study, manifest, roster, source }: Omit<BookedStudy, 'state'>): void {
    this.#store.run(
      `INSERT INTO studies VALUES (?, ?, ?, ?, 'approved')
       ON CONFLICT (study) DO UPDATE SET source = excluded.source, state = 'approved' WHERE state NOT IN ('finished', 'revoked')`,
      study,
      encodeManifest(manifest),
      encodeRoster(roster),
      source,
    )
  }

  setState(study: StudyId, state: StudyState): void {
    if (this.#store.run('UPDATE studies SET state = ? WHERE study = ?', state, study) === 0)
      throw new CodedError('NOT_FOUND', 'this study was never approved here')
  }

  studies(): BookedStudy[] {
    return this.#store.all('SELECT * FROM studies ORDER BY rowid').map((row) => ({
      study: studyId(text(row, 'study')),
      manifest: decodeManifest(blob(row, 'manifest')),
      roster: decodeRoster(blob(row, 'roster')),
      source: text(row, 'source'),
      state: text(row, 'state') as StudyState,
    }))
  }

  /** Where a study stands here, without reading its manifest. */
  stateOf(study: StudyId): StudyState | undefined {
    const row = this.#store.get('SELECT state FROM studies WHERE study = ?', study)
    return row && (text(row, 'state') as StudyState)
  }

  /** Studies whose rounds may run. */
  approved(): StudyId[] {
    return this.#store
      .all("SELECT study FROM studies WHERE state = 'approved' ORDER BY rowid")
      .map((row) => studyId(text(row, 'study')))
  }

  /** Whether rounds of a booked study may still come, now or when it is resumed. */
  hasOpenStudy(): boolean {
    return this.#store.get("SELECT 1 AS one FROM studies WHERE state IN ('approved', 'paused')") !== undefined
  }

  /** Throws `NOT_FOUND`. */
  booked(study: StudyId): BookedStudy {
    const found = this.studies().find((each) => each.study === study)
    if (found === undefined) throw new CodedError('NOT_FOUND', 'this study was never approved here')
    return found
  }

  close(): void {
    this.#store.close()
  }
}
