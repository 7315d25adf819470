import { Worker } from 'node:worker_threads'
import { CodedError } from '../errors.ts'
import { codedError, type ErrorMessage } from './thread-error.ts'

/** What a thread does for others, by name: each takes one argument and hands its result over. */
export type Operations = Readonly<Record<string, (argument: never) => Promise<unknown>>>

/** To the thread: `id` numbers what it is asked. */
export interface CallMessage {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

/** From the thread: `ready` first, or `unready` as its last word; then one reply for each call. */
export type CallReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unready'; readonly error: ErrorMessage }
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: ErrorMessage }

interface Thread {
  readonly worker: Worker
  readonly ready: Promise<void>
}

/** The same array where it has its memory to itself, else a copy that has: what crosses takes all of the memory along. */
export const whole = <T extends Uint8Array | Float64Array | BigUint64Array>(array: T): T => {
  if (array.byteLength === array.buffer.byteLength) return array
  const kind = array instanceof Uint8Array ? Uint8Array : (array.constructor as new (from: T) => T)
  return new kind(array as never) as T
}

/**
 * Work that is done in a thread of its own, one call after another: the file serves it with `serveWork`. The thread starts when
 * first asked and again when asked after it died; what was asked of one that dies is rejected with `ended()`, and what was thrown
 * there is not looked at. An error of the work comes as its code, words and place.
 */
export class WorkThread<Work extends Operations> {
  readonly #file: URL
  readonly #ended: () => CodedError
  readonly #pending = new Map<
    number,
    { readonly resolve: (result: unknown) => void; readonly reject: (error: CodedError) => void }
  >()
  #thread: Thread | undefined
  #isClosed = false
  #calls = 0

  constructor(file: URL, ended: () => CodedError) {
    this.#file = file
    this.#ended = ended
  }

  /** Once the thread can work; throws what kept it from that. */
  async ready(): Promise<void> {
    await this.#live().ready
  }

  /** `transfer`: memory of `argument` that is handed over. Throws what the work throws, `INTERRUPTED` after `close`. */
  async ask<Name extends keyof Work & string>(
    name: Name,
    argument: Parameters<Work[Name]>[0],
    transfer: readonly ArrayBufferLike[] = [],
  ): Promise<Awaited<ReturnType<Work[Name]>>> {
    const { worker } = this.#live()
    const message: CallMessage = { id: this.#calls++, name, argument }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    worker.postMessage(message, transfer as ArrayBuffer[])
    this.#pending.set(message.id, { resolve, reject })
    return (await promise) as Awaited<ReturnType<Work[Name]>>
  }

  /** Ends the thread in the middle of whatever it does; nothing is left running. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#thread?.worker.terminate()
  }

  #live(): Thread {
    if (this.#isClosed) throw new CodedError('INTERRUPTED', 'the thread that does this was closed')
    return (this.#thread ??= this.#start())
  }

  #start(): Thread {
    const fromSource = this.#file.pathname.endsWith('.ts')
    const worker = new Worker(this.#file, fromSource ? { execArgv: ['--conditions=source'] } : {})
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    promise.catch(() => undefined) // whoever asks awaits it
    let unready: ErrorMessage | undefined
    worker.on('message', (reply: CallReply) => {
      if (reply.kind === 'ready') return resolve()
      if (reply.kind === 'unready')
        unready = reply.error // 'exit' follows
      else this.#take(reply)
    })
    worker.on('error', () => undefined) // 'exit' follows; what was thrown may hold anything and is not looked at
    worker.on('exit', () => {
      this.#thread = undefined
      const error = () => (unready === undefined ? this.#ended() : codedError(unready))
      reject(error())
      for (const pending of this.#pending.values()) pending.reject(error())
      this.#pending.clear()
    })
    return { worker, ready: promise }
  }

  #take(reply: Extract<CallReply, { readonly id: number }>): void {
    const pending = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    if (reply.kind === 'result') pending?.resolve(reply.result)
    else pending?.reject(codedError(reply.error))
  }
}
