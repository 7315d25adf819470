import type { Digest } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { openStore, type SqliteStore, text, whole } from '@tributary/shared/store/sqlite'
import { messageBytes } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { CoordinatorClient } from '@tributary/shared/wire/federation-api'
import type { SignedMessage } from '@tributary/shared/wire/signed'

/** One message that left, or was about to leave when the process died. */
export interface Departure {
  readonly sequence: number
  /** ms since 1970. */
  readonly at: number
  readonly kind: string
  readonly bytes: number
  /** SHA-256 of the signed message, and of what travelled beside it. */
  readonly message: Digest
  readonly payload: Digest | null
}

const migrations = [
  `CREATE TABLE departures (
     sequence INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, bytes INTEGER NOT NULL,
     message TEXT NOT NULL, payload TEXT
   ) STRICT;`,
]

/** Every signed message of this site, noted before it is sent: what did leave, by kind, size and hash. */
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

  note(message: SignedMessage, payload: readonly Uint8Array[] = []): void {
    const bytes = messageBytes(message)
    const beside = payload.length === 0 ? null : hashBytes(Buffer.concat(payload))
    const size = payload.reduce((sum, part) => sum + part.length, bytes.length)
    this.#store.run(
      'INSERT INTO departures (at, kind, bytes, message, payload) VALUES (?, ?, ?, ?, ?)',
      this.#clock.now(),
      message.kind,
      size,
      hashBytes(bytes),
      beside,
    )
  }

  /** Messages and bytes by kind. */
  totals(): { readonly kind: string; readonly messages: number; readonly bytes: number }[] {
    return this.#store
      .all('SELECT kind, count(*) AS messages, sum(bytes) AS bytes FROM departures GROUP BY kind ORDER BY kind')
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

/** The client, with every signed message noted before it is sent. */
export const journalled = (client: CoordinatorClient, journal: EgressJournal): CoordinatorClient => ({
  ...client,
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
  async putDeal(message, boxes) {
    journal.note(message, boxes)
    await client.putDeal(message, boxes)
  },
  async contribute(message, ciphertext) {
    journal.note(message, [ciphertext])
    await client.contribute(message, ciphertext)
  },
  async answer(message) {
    journal.note(message)
    await client.answer(message)
  },
  async withdraw(message) {
    journal.note(message)
    await client.withdraw(message)
  },
})
