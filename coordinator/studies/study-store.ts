import { HintedError } from '@tributary/shared/cli/hinted-error'
import { CodedError } from '@tributary/shared/errors'
import { type Digest, digest, type SiteId, siteId, type StudyId, studyId } from '@tributary/shared/ids'
import { blob, openStore, type SqliteStore, text, whole } from '@tributary/shared/store/sqlite'
import { decodeManifest, encodeManifest, manifestHash, studyIdOf } from '@tributary/shared/study/manifest'
import { shareHolders } from '@tributary/shared/study/share-holders'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { messageBytes, messageFrom } from '@tributary/shared/wire/body'
import type { Roster } from '@tributary/shared/wire/messages'
import { decodeRoster, encodeRoster, rosterHash } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'

/** A manifest under a roster, as published; `seed` draws the initial weights (public, covered by the model's hash). */
export interface PublishedStudy {
  readonly study: StudyId
  readonly manifest: Manifest
  readonly manifestHash: Digest
  readonly roster: Roster
  readonly rosterHash: Digest
  readonly seed: number
}

/** A study travels to sites in one message of 4 MiB (shared/wire/envelope), beside it what else that holds. */
const longestManifest = 3 * 1024 * 1024

/** What a site has signed about a study or a roster. */
export type Statement = 'approval' | 'countersignature' | 'roster-signature'

const migrations = [
  `CREATE TABLE rosters (version INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, roster BLOB NOT NULL) STRICT;
   CREATE TABLE studies (
     study TEXT PRIMARY KEY, manifest BLOB NOT NULL, roster TEXT NOT NULL REFERENCES rosters (hash), seed INTEGER NOT NULL,
     position INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE statements (
     about TEXT NOT NULL, kind TEXT NOT NULL, site TEXT NOT NULL, message BLOB NOT NULL, PRIMARY KEY (about, kind, site)
   ) STRICT, WITHOUT ROWID;`,
  'CREATE TABLE stops (study TEXT PRIMARY KEY, reason TEXT NOT NULL) STRICT, WITHOUT ROWID;',
  `CREATE TABLE box_keys (study TEXT NOT NULL, epoch INTEGER NOT NULL, site TEXT NOT NULL, message BLOB NOT NULL,
     PRIMARY KEY (study, epoch, site)) STRICT, WITHOUT ROWID;`,
]

/** A member under its identity key: another key is another member (R1). */
export const memberKey = ({ site, identity }: Roster['members'][number]): string =>
  `${site} ${Buffer.from(identity).toString('hex')}`

/** Rosters, published studies, and what the sites signed about them. The command line and the server share the file. */
export class StudyStore {
  readonly #store: SqliteStore

  private constructor(store: SqliteStore) {
    this.#store = store
  }

  static open(path: string): StudyStore {
    return new StudyStore(openStore(path, { synchronous: 'FULL', migrations }))
  }

  /** Keeps a roster; the same one again changes nothing. */
  addRoster(roster: Roster): Digest {
    const hash = rosterHash(roster)
    this.#store.run('INSERT OR IGNORE INTO rosters VALUES (?, ?, ?)', roster.version, hash, encodeRoster(roster))
    if (this.#store.get('SELECT hash FROM rosters WHERE hash = ?', hash) === undefined)
      throw new CodedError('ALREADY_EXISTS', `roster version ${roster.version} exists with other members`)
    return hash
  }

  latestRoster(): { roster: Roster; hash: Digest } | undefined {
    const row = this.#store.get('SELECT hash, roster FROM rosters ORDER BY version DESC LIMIT 1')
    return row && { roster: decodeRoster(blob(row, 'roster')), hash: digest(text(row, 'hash')) }
  }

  /** The newest roster below `version`. */
  rosterBefore(version: number): Roster | undefined {
    const row = this.#store.get('SELECT roster FROM rosters WHERE version < ? ORDER BY version DESC LIMIT 1', version)
    return row && decodeRoster(blob(row, 'roster'))
  }

  /**
   * Sites of a study that a roster after its own no longer lists under the same identity key. For good: one that is listed again
   * later is a new member, who needs a new study (R1).
   */
  removedFrom({ manifest, roster }: PublishedStudy): SiteId[] {
    const later = this.#store
      .all('SELECT roster FROM rosters WHERE version > ?', roster.version)
      .map((row) => new Set(decodeRoster(blob(row, 'roster')).members.map(memberKey)))
    return roster.members
      .filter((member) => manifest.sites.some(({ name }) => name === member.site))
      .filter((member) => later.some((members) => !members.has(memberKey(member))))
      .map(({ site }) => site)
  }

  /**
   * Throws `MANIFEST_INVALID` for one of more than 3 MiB, which no site could fetch, and `ROSTER_REFUSED` when a site of the manifest is not in the roster, or the roster's committee not in the study. Publishing
   * twice changes nothing.
   */
  publish(manifest: Manifest, seed: number): PublishedStudy {
    const latest = this.latestRoster()
    if (latest === undefined)
      throw new HintedError(
        'ROSTER_REFUSED',
        'there is no roster: propose one first',
        'Run `coordinator roster propose`, and have every site confirm it.',
      )
    for (const { name } of manifest.sites) {
      if (!latest.roster.members.some((member) => member.site === name))
        throw new HintedError(
          'ROSTER_REFUSED',
          `the study names ${name}, which is not in the roster`,
          'Have it enrol (`coordinator invite`, `coordinator sites`) and propose a roster with it, or take it out of the study file and plan that again.',
          { place: { field: 'sites' } },
        )
    }
    try {
      shareHolders(manifest, latest.roster)
    } catch (thrown) {
      if (!(thrown instanceof CodedError)) throw thrown
      const hint =
        "The committee is the roster's: `coordinator roster show` names it. Change the study file and plan it again, or propose a roster with another --committee."
      throw new HintedError(thrown.code, thrown.message, hint, { cause: thrown })
    }
    const bytes = encodeManifest(manifest)
    if (bytes.length > longestManifest)
      throw new CodedError(
        'MANIFEST_INVALID',
        `the study has ${bytes.length} bytes, ${longestManifest} at most: no site could fetch it. Merge rare levels, or leave columns out`,
        { place: { field: 'columns' } },
      )
    const study = studyIdOf(manifest, latest.hash)
    this.#store.run(
      `INSERT OR IGNORE INTO studies
       VALUES (?, ?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM studies))`,
      study,
      bytes,
      latest.hash,
      seed,
    )
    return this.study(study)
  }

  studies(): StudyId[] {
    return this.#store.all('SELECT study FROM studies ORDER BY position').map((row) => studyId(text(row, 'study')))
  }

  /** Throws `NOT_FOUND`. */
  study(study: StudyId): PublishedStudy {
    const row = this.#store.get(
      `SELECT manifest, hash, seed, rosters.roster AS roster
       FROM studies JOIN rosters ON studies.roster = rosters.hash WHERE study = ?`,
      study,
    )
    if (row === undefined) throw new CodedError('NOT_FOUND', 'no such study is published')
    const manifest = decodeManifest(blob(row, 'manifest'))
    return {
      study,
      manifest,
      manifestHash: manifestHash(manifest),
      roster: decodeRoster(blob(row, 'roster')),
      rosterHash: digest(text(row, 'hash')),
      seed: whole(row, 'seed'),
    }
  }

  /** Studies whose id or name starts with `text`; throws `NOT_FOUND` unless exactly one does. */
  find(prefix: string): PublishedStudy {
    const matches = this.studies().map((study) => this.study(study))
    const found = matches.filter(({ study, manifest }) => study.startsWith(prefix) || manifest.name === prefix)
    if (found.length !== 1 || found[0] === undefined)
      throw new HintedError(
        'NOT_FOUND',
        `${found.length === 0 ? 'no published study matches' : `${found.length} published studies match`} ${prefix}`,
        '`coordinator study ls` shows them: give the name, or the first digits of the id.',
      )
    return found[0]
  }

  /** The operator ends a study for good; the first reason stays. The coordinator that runs it sees to it at its next look. */
  orderStop(study: StudyId, reason: string): void {
    this.#store.run('INSERT OR IGNORE INTO stops VALUES (?, ?)', study, reason)
  }

  stopOrder(study: StudyId): string | undefined {
    const row = this.#store.get('SELECT reason FROM stops WHERE study = ?', study)
    return row && text(row, 'reason')
  }

  /** Keeps the latest statement of a site; the caller has checked its signature. */
  state(about: Digest | StudyId, kind: Statement, site: SiteId, message: SignedMessage): void {
    this.#store.run('INSERT OR REPLACE INTO statements VALUES (?, ?, ?, ?)', about, kind, site, messageBytes(message))
  }

  statements(about: Digest | StudyId, kind: Statement): { site: SiteId; message: SignedMessage }[] {
    return this.#store
      .all('SELECT site, message FROM statements WHERE about = ? AND kind = ? ORDER BY site', about, kind)
      .map((row) => ({ site: siteId(text(row, 'site')), message: messageFrom(blob(row, 'message')) }))
  }

  /** Keeps the latest box keys of a site for one epoch; the caller has checked the signature. */
  keepBoxKeys(study: StudyId, epoch: number, site: SiteId, message: SignedMessage): void {
    this.#store.run('INSERT OR REPLACE INTO box_keys VALUES (?, ?, ?, ?)', study, epoch, site, messageBytes(message))
  }

  /** By site, in the order of their names. */
  boxKeys(study: StudyId, epoch: number): { site: SiteId; message: SignedMessage }[] {
    return this.#store
      .all('SELECT site, message FROM box_keys WHERE study = ? AND epoch = ? ORDER BY site', study, epoch)
      .map((row) => ({ site: siteId(text(row, 'site')), message: messageFrom(blob(row, 'message')) }))
  }

  close(): void {
    this.#store.close()
  }
}
