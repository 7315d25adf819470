import { CodedError } from '@tributary/shared/errors'
import { whole, WorkThread } from '@tributary/shared/system/work-thread'
import type { OpenedSteps, Opening, OpenOrder } from './opening.ts'

/** What is asked of the thread. */
export type OpeningOperations = Pick<Opening, 'open'>

/** The file that a worker starts from, as built or from its source, whichever this file is. */
const openingWorker = (): URL =>
  new URL(`./opening-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

const ended = () => new CodedError('INTERNAL', 'the thread that opens sums ended in the middle of its work')

/**
 * Sums are opened in a thread of their own, with SEAL in it, so that the thread that serves the sites never waits. The sum goes in
 * and the steps come out by handing memory over. Every study may share it; one sum is opened after another. A thread that dies
 * fails what was asked with `INTERNAL`; the next order finds another thread.
 */
export class OpeningThread implements Opening {
  readonly #thread: WorkThread<OpeningOperations>

  private constructor(file: URL) {
    this.#thread = new WorkThread(file, ended)
  }

  /** Resolves once SEAL has passed its self-test there; throws what `createRing` throws. */
  static async open(file: URL = openingWorker()): Promise<OpeningThread> {
    const opening = new OpeningThread(file)
    await opening.#thread.ready()
    return opening
  }

  open(order: OpenOrder): Promise<OpenedSteps> {
    const sum = whole(order.sum)
    const answers = order.answers.map(({ holder, share }) => ({ holder, share: whole(share) }))
    return this.#thread.ask('open', { ...order, sum, answers }, [sum.buffer])
  }

  close(): Promise<void> {
    return this.#thread.close()
  }
}
