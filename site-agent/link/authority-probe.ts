import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { connect, type DetailedPeerCertificate } from 'node:tls'
import { CodedError } from '@tributary/shared/errors'
import type { Digest } from '@tributary/shared/ids'
import { unreachableReason } from '@tributary/shared/wire/envelope-error'

const probeMs = 10_000

/** IPv4 or IPv6, as against a host name. */
export const isAddress = (host: string): boolean => isIP(host) !== 0

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`

/** The last certificate of the chain that the server sent. */
const rootOf = (certificate: DetailedPeerCertificate): DetailedPeerCertificate => {
  let each = certificate
  while (each.issuerCertificate !== undefined && each.issuerCertificate.fingerprint256 !== each.fingerprint256) {
    each = each.issuerCertificate
  }
  return each
}

const presentedRoot = (host: string, port: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    // Nothing is sent on this connection and nothing it says is believed but what hashes to the pinned fingerprint.
    const options = { host, port, minVersion: 'TLSv1.3' as const, ALPNProtocols: ['h2'], rejectUnauthorized: false }
    const servername = isAddress(host) ? {} : { servername: host }
    const socket = connect({ ...options, ...servername, timeout: probeMs }, () => {
      const certificate = socket.getPeerCertificate(true)
      socket.destroy()
      if (certificate.raw === undefined) reject(new CodedError('TLS_REFUSED', 'the coordinator sent no certificate'))
      else resolve(rootOf(certificate).raw)
    })
    socket.on('timeout', () => {
      socket.destroy()
      reject(new CodedError('DEADLINE_PASSED', `no TLS handshake with ${host}:${port} within 10 seconds`))
    })
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code?.startsWith('ERR_SSL') ? 'TLS_REFUSED' : 'UNAVAILABLE'
      const why =
        code === 'TLS_REFUSED'
          ? `no TLS 1.3 connection to ${host}:${port}: ${cause.code ?? 'failed'}`
          : `the coordinator cannot be reached at ${host}:${port}: ${unreachableReason(cause.code ?? '')}`
      reject(new CodedError(code, why, { cause }))
    })
  })

/**
 * The authority (PEM) of whoever answers at `address` (host:port), once its SHA-256 is the one that the operator read out; made
 * before anything secret is sent, and then used as the only root. Throws TLS_REFUSED for another authority, UNAVAILABLE,
 * DEADLINE_PASSED, ARGUMENT_INVALID.
 */
export const probeAuthority = async (address: string, caSha256: Digest): Promise<string> => {
  const [, host, port] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(address) ?? []
  if (host === undefined || Number(port) > 65_535) {
    throw new CodedError('ARGUMENT_INVALID', 'the coordinator is given as host:port', {
      place: { field: '--coordinator' },
    })
  }
  const root = await presentedRoot(host, Number(port))
  const presented = createHash('sha256').update(root).digest('hex')
  if (presented !== caSha256) {
    throw new CodedError('TLS_REFUSED', `the authority at ${address} has fingerprint ${presented}, not ${caSha256}`)
  }
  return pem(root)
}
