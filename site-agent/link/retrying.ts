import { randomInt } from 'node:crypto'
import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'

export interface Patience {
  readonly clock: Clock
  /** How long an unreachable coordinator is tried again, ms. */
  readonly patienceMs: number
  readonly signal?: AbortSignal | undefined
}

const firstPauseMs = 200
const longestPauseMs = 10_000

/**
 * Runs `attempt` until it ends with anything but UNAVAILABLE or the patience is used up. Pauses double from 0.2 to 10 seconds,
 * each shortened by a random share of up to half, so that sites do not return together after an outage.
 */
export const retrying = async <T>(attempt: () => Promise<T>, patience: Patience): Promise<T> => {
  const { clock, patienceMs, signal } = patience
  const until = clock.now() + patienceMs
  for (let pause = firstPauseMs; ; pause = Math.min(2 * pause, longestPauseMs)) {
    try {
      return await attempt()
    } catch (thrown) {
      const wait = pause - randomInt(Math.floor(pause / 2))
      const mayRetry = thrown instanceof CodedError && thrown.code === 'UNAVAILABLE' && !signal?.aborted
      if (!mayRetry || clock.now() + wait > until) throw thrown
      await clock.sleep(wait, signal)
    }
  }
}
