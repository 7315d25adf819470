import { createHash, randomUUID } from 'node:crypto'
import type { Clock } from '@tributary/shared/ports'
import * as z from 'zod'
import type { RequestOrder } from '../api/schemas.ts'
import { type Credentials, readHomeFile, writeHomeFile } from './credentials.ts'
import type { ResearcherPorts } from './ports.ts'

/** Orders that were sent and not yet heard of, by what they ask of whom. */
const pendingSchema = z.record(z.string(), z.strictObject({ key: z.string(), sent: z.number() }))
const file = 'pending-requests.json'
/** After a day the same command is a new wish. */
const memory = 24 * 3_600_000

/**
 * The idempotency key of one order: the one of an earlier attempt that was never answered, else a new one. It is on disk before
 * the order leaves, so that the same command after a lost connection or a crash makes no second request.
 */
export class PendingRequest {
  readonly key: string
  readonly #name: string
  readonly #environment: ResearcherPorts['environment']

  private constructor(environment: ResearcherPorts['environment'], name: string, key: string) {
    this.#environment = environment
    this.#name = name
    this.key = key
  }

  static open(
    environment: ResearcherPorts['environment'],
    { server, user }: Credentials,
    order: RequestOrder,
    clock: Clock,
  ): PendingRequest {
    const now = clock.now()
    const known = Object.entries(readHomeFile(environment, file, pendingSchema) ?? {})
    const kept = Object.fromEntries(known.filter(([, { sent }]) => now - sent < memory))
    const asked = JSON.stringify([server, user, Object.entries(order).toSorted(([a], [b]) => (a < b ? -1 : 1))])
    const name = createHash('sha256').update(asked).digest('hex')
    const key = kept[name]?.key ?? randomUUID()
    writeHomeFile(environment, file, { ...kept, [name]: { key, sent: kept[name]?.sent ?? now } })
    return new PendingRequest(environment, name, key)
  }

  /** The coordinator answered: the same command is a new request from now on. */
  settle(): void {
    const known = Object.entries(readHomeFile(this.#environment, file, pendingSchema) ?? {})
    writeHomeFile(this.#environment, file, Object.fromEntries(known.filter(([name]) => name !== this.#name)))
  }
}
