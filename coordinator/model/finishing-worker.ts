import { serveWork } from '@tributary/shared/system/serve-work'
import { FinishingWork } from './finishing.ts'
import type { FinishingOperations } from './finishing-thread.ts'

/* The thread behind a `FinishingThread`. */
const open = async (): Promise<FinishingOperations> => {
  const work = new FinishingWork()
  return { finish: (order) => work.finish(order) }
}

serveWork(open())
