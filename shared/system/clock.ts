import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../ports.ts'

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    if (signal?.aborted === true) return
    try {
      await wait(ms, undefined, signal === undefined ? {} : { signal })
    } catch (thrown) {
      if (signal?.aborted !== true) throw thrown // an abort ends the sleep; it is no failure
    }
  },
}
