import { HintedError } from '@tributary/shared/cli/hinted-error'
import { printData } from '@tributary/shared/cli/output'
import { printable } from '@tributary/shared/cli/printable'
import { requestSchema } from '../api/schemas.ts'
import { apiPath } from './api-client.ts'
import { findRequest } from './find-request.ts'
import type { RemoteOptions, ResearcherPorts } from './ports.ts'
import { afterRequest, requestText } from './request-text.ts'
import { openSession } from './session.ts'
import { shellWord } from './text-table.ts'

export interface CancelOptions extends RemoteOptions {
  readonly deleteRelease?: boolean
}

/** `tributary cancel REQUEST`: it is not made any more; a release that exists is deleted only by --delete-release. */
export const cancel = async (text: string, options: CancelOptions, ports: ResearcherPorts): Promise<void> => {
  const { api } = await openSession(ports, options)
  const found = await findRequest(api, text)
  const id = shellWord(printable(found.request))
  if (found.state === 'done' && options.deleteRelease !== true)
    throw new HintedError(
      'ALREADY_EXISTS',
      `request ${id} is done: cancelling it would delete its release ${printable(found.release ?? '')}`,
      `Run \`tributary cancel ${id} --delete-release\` to delete the release; what was downloaded stays.`,
    )
  const withdrawn = await api.json(apiPath('requests', found.request), requestSchema, { method: 'DELETE' })
  printData(withdrawn, {
    json: options.json === true,
    text: requestText(withdrawn),
    next: afterRequest(withdrawn),
  })
}
