import { asCodedError } from '@tributary/shared/errors'
import type { RoundId, SiteId } from '@tributary/shared/ids'
import type { Logger } from 'pino'
import type { Dispute } from './dispute.ts'
import type { DisputeStore } from './dispute-store.ts'

/** One dispute is over one deal. */
export const disputeKey = ({ round, dealer }: { readonly round: RoundId; readonly dealer: SiteId }): string =>
  `${round} ${dealer}`

/**
 * What is known of disputes without asking the disk: those that are not closed are looked at whenever a site asks for work. Rounds
 * never depend on a dispute (R24), so a store that cannot be read is as if nothing were known, and is said once.
 */
export class KnownDisputes {
  readonly #store: DisputeStore
  readonly #log: Logger
  /** In the order in which they began; null until the store could be read. */
  #pending: Map<string, Dispute> | null = null
  #isUnread = false

  constructor(store: DisputeStore, log: Logger) {
    this.#store = store
    this.#log = log
    this.load()
  }

  /** Reads those that are not closed, where that failed so far. */
  load(): void {
    if (this.#pending !== null) return
    const found = this.ask(() => this.#store.pending(), null)
    if (found !== null) this.#pending = new Map(found.map((dispute) => [disputeKey(dispute), dispute]))
  }

  /** Those that are not closed, of every study. */
  pending(): readonly Dispute[] {
    return [...(this.#pending?.values() ?? [])]
  }

  /** The dispute as it is stored now. */
  note(dispute: Dispute): void {
    this.load()
    if (dispute.phase === 'closed') this.#pending?.delete(disputeKey(dispute))
    else this.#pending?.set(disputeKey(dispute), dispute)
  }

  /** Nothing is done about it until the coordinator starts again. */
  leave(dispute: Dispute): void {
    this.#pending?.delete(disputeKey(dispute))
  }

  /** What the store says, or `unknown` where it cannot be read. */
  ask<T>(read: () => T, unknown: T): T {
    try {
      const found = read()
      this.#isUnread = false
      return found
    } catch (thrown) {
      const { code, message } = asCodedError(thrown)
      if (!this.#isUnread)
        this.#log.error({ code, why: message }, 'disputes cannot be read: studies go on without them')
      this.#isUnread = true
      return unknown
    }
  }
}
