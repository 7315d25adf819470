import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { messageBytes } from '@tributary/shared/wire/envelope'
import { Rounds, type RoundsService } from '@tributary/shared/wire/proto'
import { PROTOCOL_VERSION } from '@tributary/shared/wire/signed'
import type { Call } from './event-loop-calls.ts'

const protocol = PROTOCOL_VERSION

/** Parts that arrive all the while, and what is done with each on the thread that serves. */
export interface ArrivingParts {
  readonly bytes: number
  readonly onPart: (data: Uint8Array) => void
}

/** Serves `Rounds` of the product's gRPC from this thread, without TLS, and has another process call it. */
export class EventLoopServer {
  readonly #server: Server
  readonly #caller: ChildProcess

  private constructor(server: Server, caller: ChildProcess) {
    this.#server = server
    this.#caller = caller
  }

  static async start(parts?: ArrivingParts): Promise<EventLoopServer> {
    const server = new Server({ 'grpc.max_receive_message_length': messageBytes })
    const handlers: Pick<RoundsService, 'Next' | 'SendParts'> = {
      Next: (_, reply) => reply(null, { protocol, wait: {} }),
      SendParts: (stream, reply) => {
        stream.on('data', ({ data }: { readonly data: Uint8Array }) => parts?.onPart(data))
        stream.on('end', () => reply(null, { protocol, complete: true }))
      },
    }
    server.addService(Rounds.service, handlers)
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      )
    })
    const words = [`127.0.0.1:${port}`, ...(parts === undefined ? [] : [`${parts.bytes}`])]
    const caller = fork(new URL('./event-loop-calls.ts', import.meta.url), words, { execArgv: ['--conditions=source'] })
    await once(caller, 'message') // it calls now
    await setTimeout(300) // and no longer opens its connection or compiles
    return new EventLoopServer(server, caller)
  }

  /** Ends both and says which calls were made. */
  async stop(): Promise<readonly Call[]> {
    const said = once(this.#caller, 'message')
    this.#caller.send('stop')
    const [calls] = (await said) as [Call[]]
    await once(this.#caller, 'exit')
    this.#server.forceShutdown()
    return calls
  }
}
