import { CodedError } from '@tributary/shared/errors'
import { ApiClient } from './api-client.ts'
import { type Credentials, readCredentials } from './credentials.ts'
import type { RemoteOptions, ResearcherPorts } from './ports.ts'

/** --timeout in milliseconds. Throws `ARGUMENT_INVALID`. */
export const timeoutOf = ({ timeout }: RemoteOptions): number | undefined => {
  if (timeout === undefined) return undefined
  const seconds = Number(timeout)
  if (!(seconds > 0 && seconds <= 1e6)) throw new CodedError('ARGUMENT_INVALID', '--timeout must be seconds above 0')
  return seconds * 1000
}

export interface Session {
  readonly api: ApiClient
  readonly credentials: Credentials
}

/** The coordinator that was logged in to, as that user. Throws `LOGIN_REFUSED` before a login. */
export const openSession = async (ports: ResearcherPorts, options: RemoteOptions): Promise<Session> => {
  const credentials = readCredentials(ports.environment)
  if (credentials.authorities.length > 0) {
    const { trustOnly } = await import('./private-authority.ts')
    trustOnly(credentials.authorities)
  }
  return { credentials, api: new ApiClient(ports.fetch, credentials, timeoutOf(options)) }
}
