import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../ports.ts'

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    const isAborted = () => signal?.aborted === true
    if (isAborted()) return
    try {
      await wait(ms, undefined, signal === undefined ? {} : { signal })
    } catch (thrown) {
      if (!isAborted()) throw thrown // an abort ends the sleep; it is no failure
    }
  },
}
