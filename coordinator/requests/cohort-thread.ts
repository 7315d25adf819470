import { Worker } from 'node:worker_threads'
import { CodedError } from '@tributary/shared/errors'
import type { StudyId } from '@tributary/shared/ids'
import type { GeneratorDetail, Probe } from '../api/schemas.ts'
import type { CohortOrder } from '../cohort/order.ts'
import type { CohortPlan } from '../cohort/plan.ts'
import type { CohortTask, CohortWork } from './cohort-work.ts'
import type { RequestFacts } from './request-state.ts'
import { codedError, type ReplyMessage, type TaskMessage } from './worker-messages.ts'

interface Pending {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: CodedError) => void
  readonly onProgress: (rowsDone: number) => void
}

/** The thread ended, by whatever means, before it answered: the same task may do better the next time. */
export class WorkerEnded extends CodedError {
  constructor(cause?: unknown) {
    super('INTERNAL', 'the worker ended in the middle of its work', { cause })
    this.name = 'WorkerEnded'
  }
}

/** The file that a worker starts from, as built or from its source, whichever this file is. */
const cohortWorker = (): URL => {
  const kind = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`./cohort-worker.${kind}`, import.meta.url)
}

/** Tasks waiting for one worker at most; more are refused. */
const mostPending = 16

/**
 * Cohort work in a thread of its own, one task after another. The thread starts with the first task and again with the next
 * task after it died; a task that dies with it is rejected with `WorkerEnded`. Throws `TOO_MANY_REQUESTS` when its queue is full.
 */
export class CohortThread implements CohortWork {
  readonly #dataDir: string
  readonly #file: URL
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | undefined
  #tasks = 0

  constructor(dataDir: string, file: URL = cohortWorker()) {
    this.#dataDir = dataDir
    this.#file = file
  }

  describe(study: StudyId): Promise<GeneratorDetail> {
    return this.#ask({ kind: 'describe', study }) as Promise<GeneratorDetail>
  }

  probe(study: StudyId, order: CohortOrder): Promise<Probe> {
    return this.#ask({ kind: 'probe', study, order }) as Promise<Probe>
  }

  plan(study: StudyId, order: CohortOrder): Promise<CohortPlan> {
    return this.#ask({ kind: 'plan', study, order }) as Promise<CohortPlan>
  }

  async release(facts: RequestFacts, onProgress: (rowsDone: number) => void): Promise<void> {
    await this.#ask({ kind: 'release', facts }, onProgress)
  }

  /** Ends the thread in the middle of whatever it does. */
  async stop(): Promise<void> {
    await this.#worker?.terminate()
  }

  #ask(task: CohortTask, onProgress: (rowsDone: number) => void = () => {}): Promise<unknown> {
    if (this.#pending.size >= mostPending)
      return Promise.reject(new CodedError('TOO_MANY_REQUESTS', 'too many questions are waiting for an answer'))
    const worker = (this.#worker ??= this.#start())
    const id = this.#tasks++
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, onProgress })
      const message: TaskMessage = { id, task }
      worker.postMessage(message)
    })
  }

  #start(): Worker {
    const fromSource = this.#file.pathname.endsWith('.ts')
    const worker = new Worker(this.#file, {
      workerData: { dataDir: this.#dataDir },
      ...(fromSource && { execArgv: ['--conditions=source'] }),
    })
    worker.on('message', (reply: ReplyMessage) => this.#take(reply))
    let cause: unknown
    worker.on('error', (thrown) => {
      cause = thrown // 'exit' follows
    })
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
      const died = [...this.#pending.values()]
      this.#pending.clear()
      for (const { reject } of died) reject(new WorkerEnded(cause))
    })
    return worker
  }

  #take(reply: ReplyMessage): void {
    const pending = this.#pending.get(reply.id)
    if (reply.kind === 'progress') return pending?.onProgress(reply.rowsDone)
    this.#pending.delete(reply.id)
    if (reply.kind === 'result') pending?.resolve(reply.result)
    else pending?.reject(codedError(reply.error))
  }
}
