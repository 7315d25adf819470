import type { Clock } from '@tributary/shared/ports'
import { ProgressLine } from './progress-line.ts'

/** The result of `work`; says on stderr what is waited for, and for how long already, once that is longer than two seconds. */
export const whileWaiting = async <T>(
  clock: Clock,
  what: string,
  work: Promise<T>,
  stream?: ConstructorParameters<typeof ProgressLine>[1],
): Promise<T> => {
  const over = new AbortController()
  const progress = new ProgressLine(clock, stream)
  const started = clock.now()
  const told = (async () => {
    while (!over.signal.aborted) {
      progress.show(() => `${what}: ${Math.floor((clock.now() - started) / 1000)} s`)
      await clock.sleep(500, over.signal)
    }
  })()
  try {
    return await work
  } finally {
    over.abort()
    await told
    progress.end()
  }
}
