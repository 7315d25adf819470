import { CodedError } from '@tributary/shared/errors'
import { type Digest, type RoundId, type SiteId, siteId, type StudyId } from '@tributary/shared/ids'
import { blob, openStore, type SqliteStore, type SqlRow, text, whole } from '@tributary/shared/store/sqlite'
import { count } from '@tributary/shared/units'

/** A counter read in a peer's signed contribution, with the very bytes it signed. */
export interface PeerCounter {
  readonly study: StudyId
  readonly peer: SiteId
  /** Hash of its identity key and its coordinator's: peer-voices.ts. */
  readonly voice: Digest
  readonly round: RoundId
  readonly counter: number
  readonly statement: PeerStatement
}

/** A contribution's canonical body and its site's signature. */
export interface PeerStatement {
  readonly body: Uint8Array
  readonly signature: Uint8Array
}

const migrations = [
  `CREATE TABLE peers (
     study TEXT NOT NULL, peer TEXT NOT NULL, counter INTEGER NOT NULL, round TEXT NOT NULL, PRIMARY KEY (study, peer)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE own (id INTEGER PRIMARY KEY CHECK (id = 1), counter INTEGER NOT NULL) STRICT;
   INSERT INTO own VALUES (1, 0);`,
  `ALTER TABLE peers ADD COLUMN body BLOB;
   ALTER TABLE peers ADD COLUMN signature BLOB;`,
  `CREATE TABLE latest (
     voice TEXT PRIMARY KEY, peer TEXT NOT NULL, counter INTEGER NOT NULL, body BLOB NOT NULL, signature BLOB NOT NULL
   ) STRICT, WITHOUT ROWID;`,
]

/**
 * Sites hold one another's counters (R4): a site restored from a backup or cloned repeats or lowers its own, and every peer that
 * saw the later one in that study refuses it; and tells it, in its deals for any study, what it saw. Never the coordinator's to
 * keep.
 */
export class PeerCounters {
  readonly #store: SqliteStore

  private constructor(store: SqliteStore) {
    this.#store = store
  }

  static open(path: string): PeerCounters {
    return new PeerCounters(openStore(path, { synchronous: 'EXTRA', migrations }))
  }

  /**
   * Remembers the counters of one announced set, all or none; durable before it returns. The same counter for the same round is
   * a resend and passes. Throws `COUNTER_REFUSED` naming the first peer whose counter went back or serves another round.
   */
  observe(...counters: readonly PeerCounter[]): void {
    this.#store.transaction(() => {
      for (const seen of counters) this.#observeOne(seen)
    })
  }

  /** Throws as `observe` would, and remembers nothing: asked before anything is bound to a set that may be refused. */
  refuseBackward(...counters: readonly PeerCounter[]): void {
    for (const seen of counters) this.#isNew(seen)
  }

  /** This site's next counter, 1 more than any before; durable before it returns. */
  nextOwn(): number {
    return this.#store.transaction(() => {
      this.#store.run('UPDATE own SET counter = counter + 1')
      return whole(this.#store.get('SELECT counter FROM own') ?? {}, 'counter')
    })
  }

  /** This site's counter so far; 0 before the first contribution. */
  own(): number {
    return whole(this.#store.get('SELECT counter FROM own') ?? {}, 'counter')
  }

  /**
   * Of every peer the latest contribution to this study that was seen announced, and of each of these voices the latest to any
   * study, where that is another: a site that went back shows itself in a study that is new too. At most two a peer, each list by
   * name, so that the bytes of a deal follow from what was seen.
   */
  seen(study: StudyId, voices: readonly Digest[]): (PeerStatement & { readonly site: SiteId })[] {
    const statement = (row: SqlRow) => ({
      site: siteId(text(row, 'peer')),
      body: blob(row, 'body'),
      signature: blob(row, 'signature'),
    })
    const here = this.#store
      .all('SELECT * FROM peers WHERE study = ? AND body IS NOT NULL ORDER BY peer', study)
      .map(statement)
    const marks = voices.map(() => '?').join(', ')
    const anywhere = this.#store
      .all(`SELECT * FROM latest WHERE voice IN (${marks}) ORDER BY peer, voice`, ...voices)
      .map(statement)
    const isHere = (body: Uint8Array) => here.some((each) => Buffer.compare(each.body, body) === 0)
    return [...here, ...anywhere.filter(({ body }) => !isHere(body))]
  }

  close(): void {
    this.#store.close()
  }

  /** False for a resend. Throws `COUNTER_REFUSED`. */
  #isNew({ study, peer, round, counter }: PeerCounter): boolean {
    count('a peer counter', counter, 1)
    const row = this.#store.get('SELECT counter, round FROM peers WHERE study = ? AND peer = ?', study, peer)
    if (row === undefined) return true
    const highest = whole(row, 'counter')
    if (counter > highest) return true
    if (counter === highest && text(row, 'round') === round) return false
    const how = counter === highest ? 'used the same counter for two rounds' : 'went back to an earlier counter'
    throw new CodedError('COUNTER_REFUSED', `${peer} ${how}`)
  }

  #observeOne(seen: PeerCounter): void {
    if (!this.#isNew(seen)) return
    const { study, peer, voice, round, counter, statement } = seen
    const { body, signature } = statement
    const values = [study, peer, counter, round, body, signature]
    this.#store.run('INSERT OR REPLACE INTO peers VALUES (?, ?, ?, ?, ?, ?)', ...values)
    // Studies run side by side, so an earlier counter of another study is no refusal.
    this.#store.run(
      `INSERT INTO latest VALUES (?, ?, ?, ?, ?) ON CONFLICT (voice) DO UPDATE
       SET counter = excluded.counter, body = excluded.body, signature = excluded.signature WHERE excluded.counter > counter`,
      voice,
      peer,
      counter,
      body,
      signature,
    )
  }
}
