import { createHash, randomUUID } from 'node:crypto'
import { linkSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock } from '@tributary/shared/ports'
import { syncFolder } from '@tributary/shared/store/durable-folder'
import * as z from 'zod'
import type { RequestOrder } from '../api/schemas.ts'
import { type Credentials, homeFolder, readHomeFile, writeHomeFile } from './credentials.ts'
import type { ResearcherPorts } from './ports.ts'

/** One order that was sent; `request` since the coordinator accepted it. */
const sentSchema = z.strictObject({ key: z.string(), sent: z.number(), request: z.string().optional() })
type Sent = z.infer<typeof sentSchema>

const folder = 'pending-requests'
/** After a day the same command is a new wish. */
const memory = 24 * 3_600_000

const hasCode = (thrown: unknown, code: string) => thrown instanceof Error && 'code' in thrown && thrown.code === code

/**
 * The idempotency key of one order, in a file of its own: the one of an earlier or simultaneous attempt, else a new one. It is on
 * disk before the order leaves, so that the same command after a lost connection or a crash, or many times at once, makes one
 * request. A day long.
 */
export class PendingRequest {
  readonly #environment: ResearcherPorts['environment']
  readonly #name: string
  readonly #clock: Clock
  #sent: Sent

  private constructor(environment: ResearcherPorts['environment'], name: string, clock: Clock, sent: Sent) {
    this.#environment = environment
    this.#name = name
    this.#clock = clock
    this.#sent = sent
  }

  static open(
    environment: ResearcherPorts['environment'],
    { server, user }: Credentials,
    order: RequestOrder,
    clock: Clock,
  ): PendingRequest {
    const asked = JSON.stringify([server, user, Object.entries(order).toSorted(([a], [b]) => (a < b ? -1 : 1))])
    const name = join(folder, `${createHash('sha256').update(asked).digest('hex')}.json`)
    const fresh = { key: randomUUID(), sent: clock.now() }
    const pending = new PendingRequest(environment, name, clock, fresh)
    pending.#sent = pending.#claim(fresh)
    if (clock.now() - pending.#sent.sent >= memory) pending.renew()
    pending.#forgetOld()
    return pending
  }

  get key(): string {
    return this.#sent.key
  }

  /** What the order made, where an earlier attempt heard of it. */
  get request(): string | undefined {
    return this.#sent.request
  }

  /** The coordinator accepted: for a day the same command means this request. */
  accepted(request: string): void {
    const before = this.#sent
    this.#sent = { ...before, request }
    if (before.request !== request && this.#stored()?.key === this.key) this.#write(this.#sent, renameSync)
  }

  /** The coordinator refused: there is no request that the same command could mean. */
  refused(): void {
    if (this.#stored()?.key === this.key) rmSync(this.#path, { force: true })
  }

  /** The order is a new wish from here on, unless another process has renewed it meanwhile. */
  renew(): void {
    const stored = this.#stored()
    if (stored === undefined || stored.key === this.key)
      this.#write({ key: randomUUID(), sent: this.#clock.now() }, renameSync)
    this.#sent = this.#stored() ?? this.#sent
  }

  get #path(): string {
    return join(homeFolder(this.#environment), this.#name)
  }

  #stored(): Sent | undefined {
    return readHomeFile(this.#environment, this.#name, sentSchema)
  }

  /** A link is made by one process alone, and whole: everybody reads the key of the one who came first. */
  #claim(fresh: Sent): Sent {
    for (;;) {
      const stored = this.#stored()
      if (stored !== undefined) return stored
      try {
        this.#write(fresh, linkSync)
        return fresh
      } catch (thrown) {
        if (!hasCode(thrown, 'EEXIST')) throw thrown
      }
    }
  }

  /** Through a file of its own name: processes that write at the same time do not meet. */
  #write(sent: Sent, place: (from: string, to: string) => void): void {
    const own = `${this.#name}.${randomUUID()}`
    const path = join(homeFolder(this.#environment), own)
    writeHomeFile(this.#environment, own, sent)
    try {
      place(path, this.#path)
    } finally {
      rmSync(path, { force: true })
    }
    syncFolder(dirname(path))
  }

  #forgetOld(): void {
    const home = homeFolder(this.#environment)
    for (const name of readdirSync(join(home, folder)).map((file) => join(folder, file)))
      if (this.#isOld(name)) rmSync(join(home, name), { force: true })
  }

  #isOld(name: string): boolean {
    try {
      const stored = readHomeFile(this.#environment, name, sentSchema)
      return stored !== undefined && this.#clock.now() - stored.sent >= memory
    } catch {
      return false // another order's file: it is told to whoever needs it
    }
  }
}
