import { parentPort } from 'node:worker_threads'
import { CodedError } from '../errors.ts'
import { errorMessage } from './thread-error.ts'
import { type CallMessage, type CallReply, type Operations, whole } from './work-thread.ts'

const isArray = (value: unknown) =>
  value instanceof Uint8Array || value instanceof Float64Array || value instanceof BigUint64Array

/** The same with every typed array the whole of its memory, and that memory to hand over. */
const handedOver = (value: unknown, memory: Set<ArrayBuffer>): unknown => {
  if (isArray(value)) {
    const array = whole(value)
    memory.add(array.buffer as ArrayBuffer)
    return array
  }
  if (Array.isArray(value)) return value.map((each) => handedOver(each, memory))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, handedOver(each, memory)]))
}

/**
 * What the file of a `WorkThread` does: opens the work, then does what it is asked, one call after another. Results are handed
 * over, not copied; of an error only code, words and place leave the thread.
 */
export const serveWork = <Work extends Operations>(opening: Promise<Work>): void => {
  if (parentPort === null) throw new CodedError('INTERNAL', 'this file is a worker thread')
  const port = parentPort
  const reply = (message: CallReply, memory: ReadonlySet<ArrayBuffer> = new Set()) =>
    port.postMessage(message, [...memory])
  const serve = async (work: Work, { id, name, argument }: CallMessage): Promise<void> => {
    try {
      const memory = new Set<ArrayBuffer>()
      const result = handedOver(await (work[name] as Operations[string])(argument as never), memory)
      reply({ kind: 'result', id, result }, memory)
    } catch (thrown) {
      reply({ kind: 'error', id, error: errorMessage(thrown) })
    }
  }
  let last: Promise<unknown> = opening.then(
    () => reply({ kind: 'ready' }),
    (thrown: unknown) => {
      reply({ kind: 'unready', error: errorMessage(thrown) })
      port.close()
    },
  )
  port.on('message', (call: CallMessage) => {
    last = last.then(async () => serve(await opening, call)).catch(() => {}) // unready: the thread is ending
  })
}
