import { CodedError } from '@tributary/shared/errors'
import { whole, WorkThread } from '@tributary/shared/system/work-thread'
import type { Finishing, FinishOrder } from './finishing.ts'

/** What is asked of the thread. */
export type FinishingOperations = Pick<Finishing, 'finish'>

/** The file that a worker starts from, as built or from its source, whichever this file is. */
const finishingWorker = (): URL =>
  new URL(`./finishing-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

const ended = (isClosed: boolean) =>
  isClosed
    ? new CodedError('INTERRUPTED', 'the coordinator stops: the training is finished after the next start')
    : new CodedError('INTERNAL', 'the thread that finishes trainings ended in the middle of its work')

/**
 * Trainings are finished in a thread of their own, started when one is, so that the thread that serves the sites never waits. A
 * thread that dies fails what was asked with `INTERNAL`, and the next order finds another thread; closing it in the middle of its
 * work, which may take minutes, fails that with `INTERRUPTED`.
 */
export class FinishingThread implements Finishing {
  readonly #thread: WorkThread<FinishingOperations>
  #isClosed = false

  constructor(file: URL = finishingWorker()) {
    this.#thread = new WorkThread(file, () => ended(this.#isClosed))
  }

  finish(order: FinishOrder): Promise<Uint8Array> {
    const training = whole(order.training)
    return this.#thread.ask('finish', { ...order, training }, [training.buffer])
  }

  close(): Promise<void> {
    this.#isClosed = true
    return this.#thread.close()
  }
}
