import { createRing } from '@tributary/shared/he/create-ring'
import { serveWork } from '@tributary/shared/system/serve-work'
import type { OpeningOperations } from './opening-thread.ts'
import { OpeningWork } from './opening-work.ts'

/* The thread behind an `OpeningThread`: the sum of keys is rebuilt, used and erased here. */
const open = async (): Promise<OpeningOperations> => {
  const work = new OpeningWork(await createRing())
  return { open: (order) => work.open(order) }
}

serveWork(open())
