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
 * each shortened by a random share of up to half, so that sites do not return together after an outage. An attempt that gets
 * further says so by calling `renew`: the patience begins anew, and so do the pauses.
 */
export const retrying = async <T>(attempt: (renew: () => void) => Promise<T>, patience: Patience): Promise<T> => {
  const { clock, patienceMs, signal } = patience
  let until = 0
  let pause = 0
  const renew = () => {
    until = clock.now() + patienceMs
    pause = firstPauseMs
  }
  for (renew(); ; pause = Math.min(2 * pause, longestPauseMs)) {
    try {
      return await attempt(renew)
    } catch (thrown) {
      const wait = pause - randomInt(Math.floor(pause / 2))
      const mayRetry = thrown instanceof CodedError && thrown.code === 'UNAVAILABLE' && !signal?.aborted
      if (!mayRetry || clock.now() + wait > until) throw thrown
      await clock.sleep(wait, signal)
    }
  }
}
