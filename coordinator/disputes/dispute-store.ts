import { CodedError } from '@tributary/shared/errors'
import { type RoundId, type SiteId, siteId, type StudyId } from '@tributary/shared/ids'
import { blob, openStore, type SqliteStore, text } from '@tributary/shared/store/sqlite'
import { messageBytes, messageFrom } from '@tributary/shared/wire/body'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { Dispute } from './dispute.ts'

/** What a dispute rests on: sites' signed statements, and boxes under the hashes that the deal signs. */
export type EvidenceKind = 'deal' | 'check' | 'deal-opening' | 'box-opening'

const migrations = [
  `CREATE TABLE disputes (round TEXT NOT NULL, dealer TEXT NOT NULL, study TEXT NOT NULL, position INTEGER NOT NULL,
     state TEXT NOT NULL, PRIMARY KEY (round, dealer)) STRICT;
   CREATE INDEX pending ON disputes (position) WHERE state ->> 'phase' <> 'closed';
   CREATE TABLE evidence (round TEXT NOT NULL, dealer TEXT NOT NULL, kind TEXT NOT NULL, site TEXT NOT NULL,
     message BLOB NOT NULL, PRIMARY KEY (round, dealer, kind, site)) STRICT, WITHOUT ROWID;
   CREATE TABLE boxes (round TEXT NOT NULL, dealer TEXT NOT NULL, holder TEXT NOT NULL, box BLOB NOT NULL,
     PRIMARY KEY (round, dealer, holder)) STRICT, WITHOUT ROWID;`,
]

type Of = Pick<Dispute, 'round' | 'dealer'>

/** Every dispute and its evidence, for good: rounds forget theirs when they close. The command line shares the file. */
export class DisputeStore {
  readonly #store: SqliteStore

  private constructor(store: SqliteStore) {
    this.#store = store
  }

  static open(path: string): DisputeStore {
    return new DisputeStore(openStore(path, { synchronous: 'FULL', migrations }))
  }

  transaction<T>(work: () => T): T {
    return this.#store.transaction(work)
  }

  dispute(round: RoundId, dealer: SiteId): Dispute | undefined {
    const row = this.#store.get('SELECT state FROM disputes WHERE round = ? AND dealer = ?', round, dealer)
    return row && (JSON.parse(text(row, 'state')) as Dispute)
  }

  ofRound(round: RoundId): Dispute[] {
    return this.#store
      .all('SELECT state FROM disputes WHERE round = ? ORDER BY dealer', round)
      .map((row) => JSON.parse(text(row, 'state')) as Dispute)
  }

  /** In the order in which they began. */
  disputes(study: StudyId): Dispute[] {
    return this.#store
      .all('SELECT state FROM disputes WHERE study = ? ORDER BY position', study)
      .map((row) => JSON.parse(text(row, 'state')) as Dispute)
  }

  /** Those not closed, of every study. */
  pending(): Dispute[] {
    return this.#store
      .all(`SELECT state FROM disputes WHERE state ->> 'phase' <> 'closed' ORDER BY position`)
      .map((row) => JSON.parse(text(row, 'state')) as Dispute)
  }

  save(dispute: Dispute): void {
    this.#store.run(
      `INSERT INTO disputes VALUES (?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM disputes), ?)
       ON CONFLICT (round, dealer) DO UPDATE SET state = excluded.state`,
      dispute.round,
      dispute.dealer,
      dispute.study,
      JSON.stringify(dispute),
    )
  }

  /** Keeps a site's one statement of a kind; false for the same bytes again. Throws `ROUND_REFUSED` for others. */
  keep({ round, dealer }: Of, kind: EvidenceKind, site: SiteId, message: SignedMessage): boolean {
    const bytes = messageBytes(message)
    const isNew =
      this.#store.run('INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?, ?)', round, dealer, kind, site, bytes) === 1
    if (isNew) return true
    const kept = this.message({ round, dealer }, kind, site)
    if (kept === undefined || Buffer.compare(messageBytes(kept), bytes) !== 0)
      throw new CodedError('ROUND_REFUSED', `${site} sent a second, different ${kind} for one dispute`)
    return false
  }

  message({ round, dealer }: Of, kind: EvidenceKind, site: SiteId): SignedMessage | undefined {
    return this.messages({ round, dealer }, kind).find((each) => each.site === site)?.message
  }

  messages({ round, dealer }: Of, kind: EvidenceKind): { site: SiteId; message: SignedMessage }[] {
    return this.#store
      .all(
        'SELECT site, message FROM evidence WHERE round = ? AND dealer = ? AND kind = ? ORDER BY site',
        round,
        dealer,
        kind,
      )
      .map((row) => ({ site: siteId(text(row, 'site')), message: messageFrom(blob(row, 'message')) }))
  }

  keepBox({ round, dealer }: Of, holder: SiteId, box: Uint8Array): void {
    this.#store.run('INSERT OR IGNORE INTO boxes VALUES (?, ?, ?, ?)', round, dealer, holder, box)
  }

  /** By holder. */
  boxes({ round, dealer }: Of): Map<SiteId, Uint8Array> {
    const rows = this.#store.all('SELECT holder, box FROM boxes WHERE round = ? AND dealer = ?', round, dealer)
    return new Map(rows.map((row) => [siteId(text(row, 'holder')), blob(row, 'box')]))
  }

  close(): void {
    this.#store.close()
  }
}
