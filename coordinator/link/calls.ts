import type {
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  ServerErrorResponse,
} from '@grpc/grpc-js'
import { asCodedError, CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import { errorStatus } from '@tributary/shared/wire/envelope-error'
import type { PeerIdentity } from '@tributary/shared/wire/federation-api'
import type { Logger } from 'pino'
import { callerOf } from './admission.ts'

/** Turns promise-returning functions into grpc-js handlers; whatever they throw leaves as a coded status. */
export interface CallAdapter {
  unary<Request, Reply>(
    run: (peer: () => PeerIdentity, request: Request, signal: AbortSignal) => Promise<Reply>,
  ): handleUnaryCall<Request, Reply>
  /** Waits for the receiver before it asks for the next reply. */
  serverStream<Request, Reply>(
    run: (peer: PeerIdentity, request: Request) => AsyncIterable<Reply>,
  ): handleServerStreamingCall<Request, Reply>
  clientStream<Part, Reply>(
    run: (peer: PeerIdentity, parts: AsyncIterator<Part>) => Promise<Reply>,
  ): handleClientStreamingCall<Part, Reply>
}

type Surface = Parameters<typeof callerOf>[0] & { getPath(): string; readonly cancelled: boolean }

/** The parts as they come; a connection that broke before the last one is UNAVAILABLE. */
async function* partsOf<Part>(stream: AsyncIterable<Part>) {
  try {
    for await (const part of stream) yield part
  } catch (thrown) {
    throw new CodedError('UNAVAILABLE', 'the connection broke before the last part', { cause: thrown })
  }
}

/** `stopping` aborts long polls when the server stops. Bugs are logged with their cause; the caller gets the code alone. */
export const callAdapter = (clock: Clock, log: Logger, stopping: AbortSignal): CallAdapter => {
  const failure = (call: Surface, thrown: unknown): ServerErrorResponse => {
    const error = asCodedError(thrown)
    const fields = { method: call.getPath(), code: error.code }
    if (error.code === 'INTERNAL' && !call.cancelled) log.error({ ...fields, err: error.cause ?? error }, 'call failed')
    else log.debug(fields, error.message)
    return Object.assign(new Error(error.message), errorStatus(error))
  }
  return {
    unary: (run) => (call, callback) => {
      const cancelled = new AbortController()
      call.on('cancelled', () => cancelled.abort())
      const signal = AbortSignal.any([cancelled.signal, stopping])
      const peer = () => callerOf(call, clock)
      Promise.resolve()
        .then(() => run(peer, call.request, signal))
        .then(
          (reply) => callback(null, reply),
          (thrown) => callback(failure(call, thrown)),
        )
    },
    serverStream: (run) => async (call) => {
      const gone = new AbortController()
      call.on('cancelled', () => gone.abort())
      const drained = () =>
        new Promise<void>((resolve) => {
          call.once('drain', resolve)
          gone.signal.addEventListener('abort', () => resolve(), { once: true })
        })
      try {
        for await (const reply of run(callerOf(call, clock), call.request)) {
          if (gone.signal.aborted) return
          if (!call.write(reply)) await drained()
        }
        call.end()
      } catch (thrown) {
        call.emit('error', failure(call, thrown))
      }
    },
    clientStream: (run) => (call, callback) => {
      Promise.resolve()
        .then(() => run(callerOf(call, clock), partsOf(call)))
        .then(
          (reply) => callback(null, reply),
          (thrown) => callback(failure(call, thrown)),
        )
    },
  }
}
