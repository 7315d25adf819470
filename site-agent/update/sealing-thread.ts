import { CodedError } from '@tributary/shared/errors'
import type { RoundId } from '@tributary/shared/ids'
import { whole, WorkThread } from '@tributary/shared/system/work-thread'
import type { DealOrder, DealtBoxes, Sealing, SealOrder } from './sealing.ts'

/** What is asked of the thread. */
export type SealingOperations = Pick<Sealing, 'deal' | 'seal' | 'openDeal' | 'erase'>

/** The file that a worker starts from, as built or from its source, whichever this file is. */
const sealingWorker = (): URL =>
  new URL(`./sealing-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

const ended = () => new CodedError('ROUND_REFUSED', 'the thread that seals ended: the one-time keys are gone')

/**
 * One-time keys in a thread of their own, with SEAL beside them: the thread that talks to the network never waits for either and
 * never holds a key. Values and parts are handed over, not copied. Every study of an agent may share it; one order is done after
 * another. A thread that dies takes its keys along: what was asked and every round dealt for before is `ROUND_REFUSED`, and the
 * next order finds another thread.
 */
export class SealingThread implements Sealing {
  readonly #thread: WorkThread<SealingOperations>

  private constructor(file: URL) {
    this.#thread = new WorkThread(file, ended)
  }

  /** Resolves once SEAL has passed its self-test there; throws what `createRing` throws. */
  static async open(file: URL = sealingWorker()): Promise<SealingThread> {
    const sealing = new SealingThread(file)
    await sealing.#thread.ready()
    return sealing
  }

  deal(order: DealOrder): Promise<DealtBoxes> {
    const holders = order.holders.map(({ key, ...holder }) => ({ ...holder, key: key && whole(key) }))
    return this.#thread.ask('deal', { ...order, holders })
  }

  seal(order: SealOrder): Promise<Uint8Array[]> {
    const values = whole(order.values)
    if (values !== order.values) order.values.fill(0)
    return this.#thread.ask('seal', { ...order, values }, [values.buffer])
  }

  openDeal(round: RoundId): Promise<Uint8Array[]> {
    return this.#thread.ask('openDeal', round)
  }

  erase(round: RoundId): Promise<void> {
    return this.#thread.ask('erase', round)
  }

  /** In the middle of whatever it does; the keys go with the thread's memory. */
  close(): Promise<void> {
    return this.#thread.close()
  }
}
