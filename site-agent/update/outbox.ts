import { join } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import { type Digest, digest, type RoundId, type SiteId } from '@tributary/shared/ids'
import { blob, openStore, type SqliteStore, type SqlRow, text, whole } from '@tributary/shared/store/sqlite'
import { messageBytes, messageFrom } from '@tributary/shared/wire/body'
import { decodeCanonical, encodeCanonical, hashBytes } from '@tributary/shared/wire/canonical'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { OutboxFiles } from './outbox-files.ts'

/** A signed contribution and the sealed parts whose digest it carries: sealed bytes only, never what was sealed (R16). */
export interface StoredContribution {
  readonly message: SignedMessage
  readonly parts: readonly Uint8Array[]
  /** SHA-256 of each part: megabytes are hashed once where they are sealed, and once for the name of their file. */
  readonly hashes: readonly Digest[]
}

/** A signed deal and its share boxes, in the order of the deal's own list. */
export interface StoredDeal {
  readonly message: SignedMessage
  readonly boxes: readonly Uint8Array[]
}

/**
 * What `begin` found. `begun`: the caller may seal, once. `sealing`: this process began it and has stored nothing; nobody may seal
 * again. `sealed`: send these bytes. `lost`: begun before a restart, or pruned: the one-time key is gone, withdraw.
 */
export type Begun =
  | { readonly state: 'begun' | 'sealing' | 'lost' }
  | { readonly state: 'sealed'; readonly contribution: StoredContribution }

const migrations = [
  `CREATE TABLE contributions (
     round TEXT PRIMARY KEY, model TEXT NOT NULL, message BLOB, ciphertext TEXT, pruned INTEGER NOT NULL DEFAULT 0
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE deals (round TEXT PRIMARY KEY, content TEXT NOT NULL, pruned INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;`,
  `ALTER TABLE contributions ADD COLUMN lengths TEXT;
   ALTER TABLE contributions ADD COLUMN acknowledged INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE deals ADD COLUMN removed TEXT NOT NULL DEFAULT '[]';
   CREATE TABLE disclaimed (round TEXT PRIMARY KEY, opening BLOB) STRICT, WITHOUT ROWID;`,
  'CREATE TABLE announced (round TEXT PRIMARY KEY, removed TEXT NOT NULL) STRICT, WITHOUT ROWID;',
]

const refuse = (why: string): never => {
  throw new CodedError('ROUND_REFUSED', why)
}

const largestDeal = 2 ** 30

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
const sameParts = (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean =>
  a.length === b.length && a.every((part, i) => sameBytes(part, b[i] as Uint8Array))

/** A file cut into parts of these lengths; a row of before there were parts has one. */
const partsOf = (bytes: Uint8Array, row: SqlRow): Uint8Array[] => {
  const lengths = row['lengths'] === null ? [bytes.length] : (JSON.parse(text(row, 'lengths')) as number[])
  let at = 0
  return lengths.map((length) => bytes.subarray(at, (at += length)))
}

/**
 * What this site has dealt and sealed, on disk before it is sent: a key seals once, and a resend repeats the stored bytes (R3).
 * The row of a round stays for ever; `prune` removes bytes only. One commit a call; files of the size of a contribution.
 */
export class Outbox {
  readonly #store: SqliteStore
  readonly #files: OutboxFiles
  /** Rounds begun by this very process: their keys may still be in memory. */
  readonly #begunHere = new Set<RoundId>()

  private constructor(store: SqliteStore, files: OutboxFiles) {
    this.#store = store
    this.#files = files
  }

  /** `folder` belongs to the outbox alone; one process at a time may begin, store and prune. */
  static open(folder: string): Outbox {
    const store = openStore(join(folder, 'outbox.db'), { synchronous: 'EXTRA', migrations })
    return new Outbox(store, new OutboxFiles(join(folder, 'sealed')))
  }

  /**
   * Durable before it returns, so before anything is sealed. Throws `ROUND_REFUSED` for a second model, and for a round that was
   * disclaimed.
   */
  begin({ round, model }: { readonly round: RoundId; readonly model: Digest }): Begun {
    const isNew = this.#store.transaction(() => {
      if (this.#isDisclaimed(round)) refuse('the deal of this round was opened: nothing is sealed under it')
      return this.#store.run('INSERT OR IGNORE INTO contributions (round, model) VALUES (?, ?)', round, model) === 1
    })
    if (isNew) {
      this.#begunHere.add(round)
      return { state: 'begun' }
    }
    const row = this.#store.get('SELECT model FROM contributions WHERE round = ?', round)
    if (row === undefined || text(row, 'model') !== model) refuse('this round was begun with another model')
    const contribution = this.stored(round)
    if (contribution !== undefined) return { state: 'sealed', contribution }
    return { state: this.#begunHere.has(round) ? 'sealing' : 'lost' }
  }

  /**
   * Nothing was begun for this round and nothing ever will be (R24); durable before it returns. The same again changes nothing.
   * Throws `ROUND_REFUSED` for a round that was begun.
   */
  disclaim(round: RoundId): void {
    this.#store.transaction(() => {
      if (this.#store.get('SELECT 1 AS one FROM contributions WHERE round = ?', round) !== undefined)
        refuse('this round was begun: its deal stays shut')
      this.#store.run('INSERT OR IGNORE INTO disclaimed (round) VALUES (?)', round)
    })
  }

  /** Keeps the one opening of a disclaimed round's deal. Throws `ROUND_REFUSED` where the round is not disclaimed. */
  storeOpening(round: RoundId, opening: SignedMessage): void {
    const sql = 'UPDATE disclaimed SET opening = ? WHERE round = ? AND opening IS NULL'
    if (this.#store.run(sql, messageBytes(opening), round) === 1) return
    const earlier = this.opening(round)
    if (earlier === undefined || !sameBytes(messageBytes(earlier), messageBytes(opening)))
      refuse('this round was not disclaimed, or its deal was opened otherwise')
  }

  /** The stored opening of this round's deal. */
  opening(round: RoundId): SignedMessage | undefined {
    const row = this.#store.get('SELECT opening FROM disclaimed WHERE round = ? AND opening IS NOT NULL', round)
    return row && messageFrom(blob(row, 'opening'))
  }

  /**
   * Keeps the sealed bytes; durable before it resolves, so before the first send. The same bytes again change nothing. Rejects with
   * `ROUND_REFUSED` for a round not begun by this process or other bytes for a sealed one, `DISK_FULL` leaving nothing.
   */
  async store(round: RoundId, { message, parts }: Omit<StoredContribution, 'hashes'>): Promise<void> {
    const earlier = this.stored(round)
    if (earlier !== undefined) {
      const isSame = sameParts(earlier.parts, parts) && sameBytes(messageBytes(earlier.message), messageBytes(message))
      if (!isSame) refuse('this round was sealed already')
      return
    }
    if (!this.#begunHere.has(round)) refuse('this round was not begun, or not since the last start')
    const name = await this.#files.put(...parts)
    const lengths = JSON.stringify(parts.map(({ length }) => length))
    const sql =
      'UPDATE contributions SET message = ?, ciphertext = ?, lengths = ? WHERE round = ? AND ciphertext IS NULL'
    if (this.#store.run(sql, messageBytes(message), name, lengths, round) !== 1) refuse('this round was sealed already')
    this.#begunHere.delete(round)
  }

  /** The coordinator said that this contribution counts; durable before it returns. Throws `ROUND_REFUSED` for one that was never sealed. */
  acknowledge(round: RoundId): void {
    const sql = 'UPDATE contributions SET acknowledged = 1 WHERE round = ? AND ciphertext IS NOT NULL'
    if (this.#store.run(sql, round) !== 1) refuse('nothing was sealed for this round')
  }

  isAcknowledged(round: RoundId): boolean {
    const row = this.#store.get('SELECT acknowledged FROM contributions WHERE round = ?', round)
    return row !== undefined && whole(row, 'acknowledged') === 1
  }

  /** The bytes to send, or undefined when none are kept. Throws `STATE_CORRUPT` when they are not what was stored. */
  stored(round: RoundId): StoredContribution | undefined {
    const row = this.#store.get(
      'SELECT message, ciphertext, lengths FROM contributions WHERE round = ? AND ciphertext IS NOT NULL AND pruned = 0',
      round,
    )
    if (row === undefined) return undefined
    const parts = partsOf(this.#files.get(digest(text(row, 'ciphertext'))), row)
    return { message: messageFrom(blob(row, 'message')), parts, hashes: parts.map(hashBytes) }
  }

  /** The statement sealed for a round; `pruned` where only that one was is remembered, undefined where none ever was. */
  statement(round: RoundId): SignedMessage | 'pruned' | undefined {
    const sql = 'SELECT message FROM contributions WHERE round = ? AND ciphertext IS NOT NULL'
    const row = this.#store.get(sql, round)
    if (row === undefined) return undefined
    return row['message'] === null ? 'pruned' : messageFrom(blob(row, 'message'))
  }

  /**
   * A site deals once per attempt: durable before it resolves; `ROUND_REFUSED` for a second, different deal. `removed`: sites of the
   * study that were out of the roster by then.
   */
  async storeDeal(round: RoundId, deal: StoredDeal, removed: readonly SiteId[] = []): Promise<void> {
    const content = encodeCanonical([messageBytes(deal.message), deal.boxes])
    const earlier = this.#store.get('SELECT content FROM deals WHERE round = ?', round)
    if (earlier === undefined) {
      const name = await this.#files.put(content)
      const sql = 'INSERT OR IGNORE INTO deals (round, content, removed) VALUES (?, ?, ?)'
      if (this.#store.run(sql, round, name, JSON.stringify(removed)) === 1) return
    }
    const kept = this.#dealBytes(round)
    if (kept === undefined || !sameBytes(kept, content)) refuse('this site dealt for this round already')
  }

  /** The deal to send again, `pruned` when its bytes were removed, or undefined when this site never dealt. */
  dealt(round: RoundId): StoredDeal | 'pruned' | undefined {
    const content = this.#dealBytes(round)
    if (content === undefined) {
      return this.#store.get('SELECT round FROM deals WHERE round = ?', round) === undefined ? undefined : 'pruned'
    }
    const [message, boxes] = decodeCanonical(content, largestDeal) as [Uint8Array, Uint8Array[]]
    return { message: messageFrom(message), boxes }
  }

  /** Which sites were out of the roster when this site dealt, or where it did not, when the set was announced; else none. */
  removedBy(round: RoundId): readonly SiteId[] {
    return this.#removedIn('deals', round) ?? this.#removedIn('announced', round) ?? []
  }

  /**
   * What `removedBy` says of a round that this site did not deal for: `removed` besides all that it said before; durable before it
   * returns. Changes nothing of a round that this site dealt for.
   */
  noteRemoved(round: RoundId, removed: readonly SiteId[]): void {
    this.#store.transaction(() => {
      if (this.#removedIn('deals', round) !== undefined) return
      const known = this.#removedIn('announced', round) ?? []
      const all = [...new Set([...known, ...removed])]
      if (all.length === known.length) return
      this.#store.run('INSERT OR REPLACE INTO announced VALUES (?, ?)', round, JSON.stringify(all))
    })
  }

  /** Removes the bytes of every round outside `keep`, and what crashes left, while nothing is being stored; that they were dealt and sealed is remembered. */
  prune(keep: ReadonlySet<RoundId>): void {
    const kept = JSON.stringify([...keep])
    const outside = 'round NOT IN (SELECT value FROM json_each(?))'
    this.#store.transaction(() => {
      this.#store.run(
        `UPDATE contributions SET pruned = 1, message = NULL WHERE ciphertext IS NOT NULL AND pruned = 0 AND ${outside}`,
        kept,
      )
      this.#store.run(`UPDATE deals SET pruned = 1 WHERE pruned = 0 AND ${outside}`, kept)
    })
    const rows = this.#store.all(
      `SELECT ciphertext AS name FROM contributions WHERE ciphertext IS NOT NULL AND pruned = 0
       UNION SELECT content FROM deals WHERE pruned = 0`,
    )
    this.#files.keepOnly(new Set(rows.map((row) => text(row, 'name'))))
  }

  /** Removes the bytes of these rounds, which are over; that they were dealt and sealed is remembered. */
  discard(rounds: readonly RoundId[]): void {
    const names = rounds.flatMap((round) =>
      this.#store
        .all(
          `SELECT ciphertext AS name FROM contributions WHERE round = ?1 AND ciphertext IS NOT NULL AND pruned = 0
           UNION SELECT content FROM deals WHERE round = ?1 AND pruned = 0`,
          round,
        )
        .map((row) => digest(text(row, 'name'))),
    )
    this.#store.transaction(() => {
      for (const round of rounds) {
        const sealed = 'ciphertext IS NOT NULL AND pruned = 0'
        this.#store.run(`UPDATE contributions SET pruned = 1, message = NULL WHERE round = ? AND ${sealed}`, round)
        this.#store.run('UPDATE deals SET pruned = 1 WHERE round = ? AND pruned = 0', round)
      }
    })
    this.#files.remove(names)
  }

  close(): void {
    this.#store.close()
  }

  #removedIn(table: 'deals' | 'announced', round: RoundId): SiteId[] | undefined {
    const row = this.#store.get(`SELECT removed FROM ${table} WHERE round = ?`, round)
    return row && (JSON.parse(text(row, 'removed')) as SiteId[])
  }

  #isDisclaimed(round: RoundId): boolean {
    return this.#store.get('SELECT 1 AS one FROM disclaimed WHERE round = ?', round) !== undefined
  }

  #dealBytes(round: RoundId): Uint8Array | undefined {
    const row = this.#store.get('SELECT content FROM deals WHERE round = ? AND pruned = 0', round)
    return row === undefined ? undefined : this.#files.get(digest(text(row, 'content')))
  }
}
