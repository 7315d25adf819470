import { checkServerIdentity, createSecureContext } from 'node:tls'
import { ChannelCredentials, Client } from '@grpc/grpc-js'
import { CodedError, type ErrorCode } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import { certificateDates } from '@tributary/shared/wire/certificate-dates'
import { messageBytes } from '@tributary/shared/wire/envelope'
import type { ClientCredentials } from '@tributary/shared/wire/federation-api'
import { isAddress } from './authority-probe.ts'

export interface Remote {
  /** host:port of the coordinator. */
  readonly address: string
  /** PEM of the only authority that is believed. */
  readonly ca: string
  readonly clock: Clock
}

const channelOptions = {
  'grpc.max_receive_message_length': messageBytes,
  'grpc.max_send_message_length': messageBytes,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 5_000,
  'grpc.enable_retries': 0,
  // Separate connections: two clients in one process must not share a session made with the other's certificate.
  'grpc.use_local_subchannel_pool': 1,
}

const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '')

/** An IP address is no TLS server name (RFC 6066): another is sent in its place, and the address is what gets compared. */
const serverName = (host: string) => (isAddress(host) ? { 'grpc.ssl_target_name_override': 'coordinator.invalid' } : {})

/** Throws `STATE_CORRUPT` when certificate and key are damaged or do not belong together. */
const secureContext = (ca: string, credentials: ClientCredentials | undefined) => {
  try {
    const own = credentials === undefined ? {} : { cert: credentials.certificate, key: credentials.key }
    return createSecureContext({ ca, minVersion: 'TLSv1.3', ...own })
  } catch (cause) {
    throw new CodedError('STATE_CORRUPT', 'the certificate and the key of this site do not belong together', { cause })
  }
}

const dial = ({ address, ca }: Remote, credentials: ClientCredentials | undefined): Client => {
  const host = hostOf(address)
  const secured = ChannelCredentials.createFromSecureContext(secureContext(ca, credentials), {
    checkServerIdentity: (_name, presented) => checkServerIdentity(host, presented),
  })
  return new Client(address, secured, { ...channelOptions, ...serverName(host) })
}

/** What a call may end with because its certificate was replaced while it was on its way. */
const overtaken = new Set<ErrorCode>(['CERTIFICATE_REVOKED', 'CERTIFICATE_REQUIRED', 'UNAVAILABLE'])

/**
 * The connection under a site's present certificate. After `present`, calls begin under the new one while those in progress,
 * streams included, end under the old; one that the change itself ended is made again.
 */
export class Channel {
  readonly #remote: Remote
  #client: Client
  #credentials: ClientCredentials | undefined

  /** Throws `STATE_CORRUPT`. */
  constructor(remote: Remote, credentials: ClientCredentials | undefined) {
    this.#remote = remote
    this.#credentials = credentials
    this.#client = dial(remote, credentials)
  }

  present(credentials: ClientCredentials): void {
    const before = this.#client
    this.#client = dial(this.#remote, credentials)
    this.#credentials = credentials
    before.close()
  }

  /** `work` over the present connection. Throws what it throws, and `CERTIFICATE_EXPIRED` where that is why it was refused. */
  async call<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const used = this.#client
    try {
      return await work(used)
    } catch (thrown) {
      if (!(thrown instanceof CodedError)) throw thrown
      if (used !== this.#client && overtaken.has(thrown.code)) return await work(this.#client)
      throw this.#explained(thrown)
    }
  }

  close(): void {
    this.#client.close()
  }

  /** TLS shows the coordinator no certificate that is out of its dates: only this side knows that there was one. */
  #explained(error: CodedError): CodedError {
    if (error.code !== 'CERTIFICATE_REQUIRED' || this.#credentials === undefined) return error
    const { to } = certificateDates(this.#credentials.certificate)
    if (this.#remote.clock.now() <= to) return error
    const when = new Date(to).toISOString()
    return new CodedError('CERTIFICATE_EXPIRED', `the certificate of this site expired at ${when}`, { cause: error })
  }
}
