import { Server } from '@grpc/grpc-js'
import { CodedError } from '@tributary/shared/errors'
import { messageBytes } from '@tributary/shared/wire/envelope'
import type { FederationHandlers } from '@tributary/shared/wire/federation-api'
import { Enrolment, Federation, Rounds } from '@tributary/shared/wire/proto'
import type { Logger } from 'pino'
import { type Admission, admissionInterceptor } from './admission.ts'
import { callAdapter } from './calls.ts'
import { FederationCredentials } from './server-credentials.ts'
import { enrolmentService, federationService, roundsService } from './services.ts'

export interface ServerOptions extends Admission {
  /** host:port; port 0 takes a free one. */
  readonly address: string
  /** PEM: the server's certificate followed by its authority, so that an enrolling site can compare fingerprints. */
  readonly certificate: string
  readonly key: string
  /** PEM: the authority that client certificates must chain to. */
  readonly clientCa: string
  readonly handlers: FederationHandlers
  readonly log: Logger
}

const channelOptions = {
  'grpc.max_receive_message_length': messageBytes,
  'grpc.max_send_message_length': messageBytes,
  'grpc.max_concurrent_streams': 64,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
}

/** Longest time that calls in progress get to finish after `stop`, ms. */
const graceMs = 2_000

export interface RunningServer {
  /** host:port. */
  readonly address: string
  /** Another certificate of the same authority for new connections (both PEM); live ones go on under theirs. */
  present(certificate: string, key: string): void
  stop(): Promise<void>
}

/**
 * Opens the coordinator's one port. `stop` ends long polls, lets other calls finish for up to two seconds, then cuts them.
 * Throws CONFIG_INVALID when the address cannot be opened.
 */
export const startServer = async (options: ServerOptions): Promise<RunningServer> => {
  const { address, handlers, clock, log } = options
  const stopping = new AbortController()
  const adapter = callAdapter(clock, log, stopping.signal)
  const server = new Server({ ...channelOptions, interceptors: [admissionInterceptor(options)] })
  server.addService(Enrolment.service, enrolmentService(adapter, handlers))
  server.addService(Federation.service, federationService(adapter, handlers))
  server.addService(Rounds.service, roundsService(adapter, handlers))
  const credentials = new FederationCredentials(options.certificate, options.key, options.clientCa)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error === null) resolve(bound)
      else reject(new CodedError('CONFIG_INVALID', `cannot listen on ${address}`, { cause: error }))
    })
  })
  const stop = async (): Promise<void> => {
    stopping.abort()
    const finished = new AbortController()
    const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve())).then(() => finished.abort())
    await Promise.race([closed, clock.sleep(graceMs, finished.signal)])
    server.forceShutdown()
  }
  return {
    address: `${address.slice(0, address.lastIndexOf(':'))}:${port}`,
    present: (certificate, key) => credentials.present(certificate, key),
    stop,
  }
}
