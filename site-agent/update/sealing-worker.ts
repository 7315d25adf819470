import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { createRing } from '@tributary/shared/he/create-ring'
import { serveWork } from '@tributary/shared/system/serve-work'
import type { SealingOperations } from './sealing-thread.ts'
import { SealingWork } from './sealing-work.ts'

/* The thread behind a `SealingThread`: holds the one-time keys and the ring; boxes and sealed parts come out. */
const open = async (): Promise<SealingOperations> => {
  const work = new SealingWork(await createRing(), osRandomStreams)
  return {
    deal: (order) => work.deal(order),
    seal: (order) => work.seal(order),
    openDeal: (round) => work.openDeal(round),
    erase: (round) => work.erase(round),
  }
}

serveWork(open())
