import { printData } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import { requestsSchema } from '../api/schemas.ts'
import { findRequest } from './find-request.ts'
import type { RemoteOptions, ResearcherPorts } from './ports.ts'
import { afterRequest, requestsText, requestText } from './request-text.ts'
import { openSession } from './session.ts'
import { untilDone } from './until-done.ts'

export interface StatusOptions extends RemoteOptions {
  readonly wait?: boolean
}

/** `tributary status [request]` */
export const status = async (
  text: string | undefined,
  options: StatusOptions,
  ports: ResearcherPorts,
): Promise<void> => {
  const json = options.json === true
  if (text === undefined && options.wait === true)
    throw new CodedError('ARGUMENT_INVALID', '--wait needs to know for which request')
  const { api } = await openSession(ports, options)
  if (text === undefined) {
    const list = await api.json('/requests', requestsSchema)
    const [newest] = list.requests
    const next = newest === undefined ? 'tributary catalog' : afterRequest(newest)
    printData(list, { json, next, text: requestsText(list.requests) })
    return
  }
  const find = () => findRequest(api, text)
  const shown = options.wait === true ? await untilDone(ports, api, find) : await find()
  printData(shown, { json, text: requestText(shown), next: afterRequest(shown) })
}
