import { asCodedError } from '@tributary/shared/errors'
import type { RoundId } from '@tributary/shared/ids'
import type { Logger } from 'pino'
import type { Outbox } from './outbox.ts'

/** How many rounds are let go at a time. */
const handful = 16

/** Rounds whose bytes are in the outbox, with their steps: sealed bytes of steps long past are of no use to anybody. */
export class PastRounds {
  readonly #parts: { readonly outbox: Pick<Outbox, 'discard'>; readonly log: Logger }
  readonly #kept = new Map<RoundId, number>()

  constructor(parts: { readonly outbox: Pick<Outbox, 'discard'>; readonly log: Logger }) {
    this.#parts = parts
  }

  /** This site has dealt for `round`; removes bytes, a handful of rounds at a time. No reason to fail if that does. */
  note(round: RoundId, step: number): void {
    const past = [...this.#kept].filter(([, at]) => at < step - 1).map(([each]) => each)
    this.#kept.set(round, step)
    if (past.length < handful) return
    try {
      this.#parts.outbox.discard(past)
      for (const each of past) this.#kept.delete(each)
    } catch (thrown) {
      const { code, message: why } = asCodedError(thrown)
      this.#parts.log.warn({ code, why }, 'sealed bytes of past rounds were not removed')
    }
  }
}
