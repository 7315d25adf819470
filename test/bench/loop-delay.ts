import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'

/** Milliseconds between two looks at the loop: what an idle loop shows. */
const resolution = 1

/** Milliseconds. */
export interface Delays {
  readonly samples: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/**
 * Delay of this process's event loop while `work` is done, by Node's own `monitorEventLoopDelay`: each value is the time from one
 * look, a millisecond after the last, to the next.
 */
export const loopDelayDuring = async (work: () => Promise<unknown>): Promise<Delays> => {
  const watch = monitorEventLoopDelay({ resolution })
  watch.enable()
  await setTimeout(3 * resolution) // the first look measures nothing
  await work()
  await setTimeout(3 * resolution) // the look that comes late is the one that counts
  watch.disable()
  const ms = (nanoseconds: number) => nanoseconds / 1e6
  const [p50, p99] = [watch.percentile(50), watch.percentile(99)]
  return { samples: watch.count, p50: ms(p50), p99: ms(p99), max: ms(watch.max) }
}

/** The value below which `share` of them lie. */
export const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? 0
