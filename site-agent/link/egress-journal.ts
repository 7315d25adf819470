import { createHash } from 'node:crypto'
import type { Digest } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { openStore, type SqliteStore, text, whole } from '@tributary/shared/store/sqlite'
import { messageBytes } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { HelloRequest, RenewRequest } from '@tributary/shared/wire/federation-api'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { SiteClient } from './client.ts'

/** One signed message, or request for a certificate, that left, or was about to leave when the process died. */
export interface Departure {
  readonly sequence: number
  /** ms since 1970. */
  readonly at: number
  readonly kind: string
  readonly bytes: number
  /** SHA-256 of the signed message, and of what travelled beside it; of a contribution, of the hashes that go with its offer. */
  readonly message: Digest
  readonly payload: Digest | null
}

const migrations = [
  `CREATE TABLE departures (
     sequence INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, bytes INTEGER NOT NULL,
     message TEXT NOT NULL, payload TEXT
   ) STRICT;`,
  'CREATE TABLE greetings (id INTEGER PRIMARY KEY CHECK (id = 1), messages INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;',
]

/**
 * What left this site, noted before it is sent: every signed message and every request for a certificate by kind, size and hash;
 * greetings (version and a session number) by count. Requests to read (roster, studies, work, model, boxes) name a study or round, at
 * most, and are not noted.
 */
export class EgressJournal {
  readonly #store: SqliteStore
  readonly #clock: Clock

  private constructor(store: SqliteStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  static open(path: string, clock: Clock): EgressJournal {
    return new EgressJournal(openStore(path, { synchronous: 'FULL', migrations }), clock)
  }

  /** `payload` goes beside the message; `told` stands for it in the hash, and says which bytes it is. */
  note(message: SignedMessage, payload: readonly Uint8Array[] = [], told = payload): void {
    this.#note(message.kind, messageBytes(message), payload, told)
  }

  /** A request for a certificate with the proof of identity over it: public keys and a signature. `kind`: enrolment or renewal. */
  noteRequest(kind: 'enrolment' | 'renewal', { csr, identityProof }: RenewRequest): void {
    this.#note(kind, csr, [identityProof])
  }

  /** One more greeting: they come every 15 seconds and differ in nothing, so that they are counted, not listed. */
  noteGreeting({ protocols, software, session }: HelloRequest): void {
    const bytes = protocols.length + software.length + session.length
    this.#store.run(
      'INSERT INTO greetings VALUES (1, 1, ?) ON CONFLICT (id) DO UPDATE SET messages = messages + 1, bytes = bytes + excluded.bytes',
      bytes,
    )
  }

  #note(kind: string, bytes: Uint8Array, payload: readonly Uint8Array[], told = payload): void {
    const beside = createHash('sha256')
    for (const part of told) beside.update(part)
    const size = payload.reduce((sum, part) => sum + part.length, bytes.length)
    this.#store.run(
      'INSERT INTO departures (at, kind, bytes, message, payload) VALUES (?, ?, ?, ?, ?)',
      this.#clock.now(),
      kind,
      size,
      hashBytes(bytes),
      payload.length === 0 ? null : beside.digest('hex'),
    )
  }

  /** Messages and bytes by kind. */
  totals(): { readonly kind: string; readonly messages: number; readonly bytes: number }[] {
    return this.#store
      .all(
        `SELECT kind, count(*) AS messages, sum(bytes) AS bytes FROM departures GROUP BY kind
         UNION ALL SELECT 'greeting', messages, bytes FROM greetings ORDER BY kind`,
      )
      .map((row) => ({ kind: text(row, 'kind'), messages: whole(row, 'messages'), bytes: whole(row, 'bytes') }))
  }

  /** The latest first, at most `limit`. */
  latest(limit: number): Departure[] {
    return this.#store.all('SELECT * FROM departures ORDER BY sequence DESC LIMIT ?', limit).map((row) => ({
      sequence: whole(row, 'sequence'),
      at: whole(row, 'at'),
      kind: text(row, 'kind'),
      bytes: whole(row, 'bytes'),
      message: text(row, 'message') as Digest,
      payload: row.payload === null ? null : (text(row, 'payload') as Digest),
    }))
  }

  close(): void {
    this.#store.close()
  }
}

/** The client, with what leaves noted before it is sent. */
export const journalled = (client: SiteClient, journal: EgressJournal): SiteClient => ({
  ...client,
  async hello(request) {
    journal.noteGreeting(request)
    return await client.hello(request)
  },
  async renew(request) {
    journal.noteRequest('renewal', request)
    return await client.renew(request)
  },
  async countersign(message) {
    journal.note(message)
    await client.countersign(message)
  },
  async approve(message) {
    journal.note(message)
    await client.approve(message)
  },
  async putBoxKeys(message) {
    journal.note(message)
    await client.putBoxKeys(message)
  },
  async putDeal(message, boxes, guard) {
    journal.note(message, boxes)
    await client.putDeal(message, boxes, guard)
  },
  async check(message, guard) {
    journal.note(message)
    await client.check(message, guard)
  },
  async contribute(message, parts, guard, hashes = parts.map(hashBytes)) {
    // With the offer go the hashes of the parts, then the parts.
    const offered = hashes.map((hash) => Buffer.from(hash, 'hex'))
    journal.note(message, [...offered, ...parts], offered)
    await client.contribute(message, parts, guard, hashes)
  },
  async answer(message, guard) {
    journal.note(message)
    await client.answer(message, guard)
  },
  async openDeal(message, guard) {
    journal.note(message)
    await client.openDeal(message, guard)
  },
  async openBox(message, guard) {
    journal.note(message)
    await client.openBox(message, guard)
  },
  async withdraw(message) {
    journal.note(message)
    await client.withdraw(message)
  },
})
