import { printData } from '@tributary/shared/cli/output'
import { removeCredentials, savedCredentials } from './credentials.ts'
import type { RemoteOptions, ResearcherPorts } from './ports.ts'

/** `tributary logout`: forgets the token here. What it was known by stays: a changed signing key is still noticed. */
export const logout = (options: RemoteOptions, { environment }: ResearcherPorts): void => {
  const server = savedCredentials(environment)?.server ?? null
  removeCredentials(environment)
  printData(
    { server, logged_in: false },
    {
      json: options.json === true,
      text:
        server === null
          ? 'nobody was logged in'
          : `logged out of ${server}; the operator can also end the token itself`,
      next: 'tributary login --server URL --token-file FILE',
    },
  )
}
