import { Worker } from 'node:worker_threads'
import { CodedError } from '@tributary/shared/errors'
import type { StudyId } from '@tributary/shared/ids'
import { codedError } from '@tributary/shared/system/thread-error'
import type { GeneratorDetail, Probe } from '../api/schemas.ts'
import type { CohortOrder } from '../cohort/order.ts'
import type { CohortPlan } from '../cohort/plan.ts'
import type { CohortTask, CohortWork } from './cohort-work.ts'
import type { RequestFacts } from './request-state.ts'
import type { ReplyMessage, TaskMessage } from './worker-messages.ts'

interface Pending {
  readonly worker: Worker
  readonly isQuestion: boolean
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

/** The thread could not open the data directory: nothing is wrong with the task. `cause` is for the operator alone. */
export class WorkerUnopened extends CodedError {
  constructor(cause: CodedError) {
    super('UNAVAILABLE', 'the coordinator cannot open its data at the moment', { cause })
    this.name = 'WorkerUnopened'
  }
}

/** The file that a worker starts from, as built or from its source, whichever this file is. */
const cohortWorker = (): URL => {
  const kind = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`./cohort-worker.${kind}`, import.meta.url)
}

/** Users' questions waiting for one worker at most; more are refused. */
const mostQuestions = 16

/**
 * Cohort work in a thread of its own, one task after another. The thread starts with the first task and again with the next
 * task after it died; a task that dies with it is rejected with `WorkerEnded`, or with `WorkerUnopened` where it never began.
 * `probe` and `plan` throw `TOO_MANY_REQUESTS` when too many of them wait; what the coordinator asks for itself is not counted.
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

  async release(
    facts: RequestFacts,
    onProgress: (rowsDone: number) => void,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<void> {
    const stop = () => void this.stop()
    signal.addEventListener('abort', stop, { once: true })
    try {
      await this.#ask({ kind: 'release', facts }, onProgress)
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** Ends the thread in the middle of whatever it does; the next task starts another. */
  async stop(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  #ask(task: CohortTask, onProgress: (rowsDone: number) => void = () => {}): Promise<unknown> {
    const isQuestion = task.kind === 'probe' || task.kind === 'plan'
    const waiting = [...this.#pending.values()].filter((pending) => pending.isQuestion).length
    if (isQuestion && waiting >= mostQuestions)
      return Promise.reject(new CodedError('TOO_MANY_REQUESTS', 'too many questions are waiting for an answer'))
    const worker = (this.#worker ??= this.#start())
    const id = this.#tasks++
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { worker, isQuestion, resolve, reject, onProgress })
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
    let cause: unknown
    let unopened: CodedError | undefined
    worker.on('message', (reply: ReplyMessage) => {
      if (reply.kind !== 'unopened') return this.#take(reply)
      unopened = codedError(reply.error)
      if (this.#worker === worker) this.#worker = undefined // it answers nothing any more
    })
    worker.on('error', (thrown) => {
      cause = thrown // 'exit' follows
    })
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
      for (const [id, pending] of this.#pending) {
        if (pending.worker !== worker) continue
        this.#pending.delete(id)
        pending.reject(unopened === undefined ? new WorkerEnded(cause) : new WorkerUnopened(unopened))
      }
    })
    return worker
  }

  #take(reply: Exclude<ReplyMessage, { readonly kind: 'unopened' }>): void {
    const pending = this.#pending.get(reply.id)
    if (reply.kind === 'progress') return pending?.onProgress(reply.rowsDone)
    this.#pending.delete(reply.id)
    if (reply.kind === 'result') pending?.resolve(reply.result)
    else pending?.reject(codedError(reply.error))
  }
}
