import { printData } from '@tributary/shared/cli/output'
import { whoamiSchema } from '../api/schemas.ts'
import type { RemoteOptions, ResearcherPorts } from './ports.ts'
import { openSession } from './session.ts'
import { textList } from './text-table.ts'

/** `tributary whoami`: asks the coordinator, so that it also says whether the token still holds. */
export const whoami = async (options: RemoteOptions, ports: ResearcherPorts): Promise<void> => {
  const { api, credentials } = await openSession(ports, options)
  const { user, role } = await api.json('/whoami', whoamiSchema)
  const { server, federation, signing_key } = credentials
  printData(
    { user, role, server, federation, signing_key },
    {
      json: options.json === true,
      next: 'tributary catalog',
      text: textList([
        ['user', `${user} (${role})`],
        ['server', server],
        ['federation', federation],
        ['signing key', signing_key],
      ]),
    },
  )
}
