import { isIP } from 'node:net'
import { CodedError } from '@tributary/shared/errors'

export interface HttpAddress {
  readonly host: string
  readonly port: number
}

const invalid = (why: string): CodedError => new CodedError('CONFIG_INVALID', why, { place: { field: '--http' } })

/** `127.0.0.1:7480`, `[::1]:7480`, `localhost:7480`, port 0 for any. Throws `CONFIG_INVALID`. */
export const httpAddress = (text: string): HttpAddress => {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  const host = bracketed ?? plain
  if (host === undefined || port > 65_535 || (bracketed !== undefined && isIP(bracketed) !== 6))
    throw invalid('the address is host:port, an IPv6 address in brackets')
  return { host: host === 'localhost' ? '127.0.0.1' : host, port }
}

/** Only addresses that cannot be anything else: a name may resolve to a neighbour tomorrow. */
const isLoopback = (host: string): boolean => (isIP(host) === 4 && host.startsWith('127.')) || host === '::1'

/** Tokens and cohorts cross no wire in the clear. Throws `CONFIG_INVALID`. */
export const refuseOpenWire = ({ host }: HttpAddress, hasTls: boolean): void => {
  if (!hasTls && !isLoopback(host)) throw invalid('an address other than loopback needs --http-cert and --http-key')
}

export const urlOf = ({ host, port }: HttpAddress, hasTls: boolean): string =>
  `${hasTls ? 'https' : 'http'}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`
