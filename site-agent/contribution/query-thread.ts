import { Worker } from 'node:worker_threads'
import { CodedError } from '@tributary/shared/errors'
import { codedError } from '@tributary/shared/system/thread-error'
import { Contribution } from './contribution.ts'
import type { QueryOrder } from './plan.ts'
import type { EngineFacts, OrderMessage, ReplyMessage, ThreadStudy } from './query-messages.ts'

/** One study's queries at one site: what a round worker asks, wherever the records are. */
export interface SiteQueries {
  execute(order: QueryOrder): Promise<Contribution>
  close(): Promise<void>
}

interface Thread {
  readonly worker: Worker
  readonly loaded: Promise<EngineFacts>
}

/** The file that a worker starts from, as built or from its source, whichever this file is. */
const queryWorker = (): URL =>
  new URL(`./query-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

const ended = () => new CodedError('INTERNAL', 'the thread that works on records ended in the middle of its work')

/**
 * A study's records in a thread of their own (R10): reading the table and every pass over patients happen there, so the thread that
 * answers pings and sends at scheduled times never waits for them. Only noised integers come out, handed over, not copied; an
 * error comes as its code, words and place. A thread that dies fails what it was asked and starts again, reading the table anew,
 * with the next order. Memory: the records and an engine for each open study.
 */
export class QueryThread implements SiteQueries {
  readonly #study: ThreadStudy
  readonly #file: URL
  readonly #pending = new Map<
    number,
    { readonly resolve: (contribution: Contribution) => void; readonly reject: (error: CodedError) => void }
  >()
  #thread: Thread | undefined
  #isClosed = false
  #orders = 0

  private constructor(study: ThreadStudy, file: URL) {
    this.#study = study
    this.#file = file
  }

  /** Resolves when the records are loaded; throws what `loadRecords` and `loadEngine` throw. */
  static async open(study: ThreadStudy, file: URL = queryWorker()): Promise<QueryThread> {
    const thread = new QueryThread(study, file)
    await thread.engine()
    return thread
  }

  /** What the thread computes with, once its records are loaded. */
  engine(): Promise<EngineFacts> {
    return this.#live().loaded
  }

  /** Of the study that the thread was opened for. Throws what `executeQuery` throws; `INTERNAL` where the thread died. */
  async execute({ queryIndex, parameters }: QueryOrder): Promise<Contribution> {
    const { worker, loaded } = this.#live()
    await loaded
    const id = this.#orders++
    return new Promise((resolve, reject) => {
      if (this.#thread?.worker !== worker) return reject(ended())
      this.#pending.set(id, { resolve, reject })
      const order: OrderMessage = { id, queryIndex, parameters }
      worker.postMessage(order)
    })
  }

  /** Ends the thread in the middle of whatever it does; nothing can be asked any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#thread?.worker.terminate()
  }

  #live(): Thread {
    if (this.#isClosed) throw new CodedError('INTERRUPTED', 'the records of this study are closed')
    return (this.#thread ??= this.#start())
  }

  #start(): Thread {
    const worker = new Worker(this.#file, {
      workerData: this.#study,
      ...(this.#file.pathname.endsWith('.ts') && { execArgv: ['--conditions=source'] }),
    })
    const { promise, resolve, reject } = Promise.withResolvers<EngineFacts>()
    promise.catch(() => undefined) // whoever asks awaits it; a thread that dies later has resolved it
    worker.on('message', (reply: ReplyMessage) => {
      if (reply.kind === 'loaded') resolve(reply.engine)
      else if (reply.kind === 'unloaded') reject(codedError(reply.error))
      else this.#take(reply)
    })
    worker.on('error', () => undefined) // 'exit' follows; what was thrown may hold anything and is not looked at
    worker.on('exit', () => {
      this.#thread = undefined
      reject(ended())
      for (const { reject: fail } of this.#pending.values()) fail(ended())
      this.#pending.clear()
    })
    return { worker, loaded: promise }
  }

  #take(reply: Extract<ReplyMessage, { readonly id: number }>): void {
    const pending = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    if (reply.kind === 'integers') pending?.resolve(new Contribution(reply.query, reply.integers))
    else pending?.reject(codedError(reply.error))
  }
}
