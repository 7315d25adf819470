import { CodedError } from '@tributary/shared/errors'
import { type CohortRequest, type Generator, generatorsSchema, requestSchema, requestsSchema } from '../api/schemas.ts'
import { apiPath, type ApiClient } from './api-client.ts'
import { HintedError } from './hinted-error.ts'
import { printable, shellWord } from './text-table.ts'

/** The one thing whose whole name, or else whose beginning of a name, is `text`; undefined for none. Throws `ID_MALFORMED` for several. */
const theOne = <T>(things: readonly T[], names: (thing: T) => readonly string[], text: string): T | undefined => {
  const whole = things.filter((thing) => names(thing).includes(text))
  const found = whole.length > 0 ? whole : things.filter((thing) => names(thing).some((name) => name.startsWith(text)))
  if (found.length < 2) return found[0]
  const shown = found.slice(0, 5).map((thing) => printable(names(thing).at(-1) ?? ''))
  throw new CodedError(
    'ID_MALFORMED',
    `${printable(text)} may be any of ${shown.join(', ')}${found.length > 5 ? ', ...' : ''}`,
  )
}

/** A generator by its study's name or id, whole or shortened. Throws `NOT_FOUND`, `ID_MALFORMED`. */
export const findGenerator = async (api: ApiClient, text: string): Promise<Generator> => {
  const { generators } = await api.json('/generators', generatorsSchema)
  const found = theOne(generators, ({ generator, study }) => [generator, study], text)
  if (found) return found
  const names = generators.slice(0, 10).map(({ generator }) => printable(generator))
  const known = names.length === 0 ? 'no run has completed yet' : `there is ${names.join(', ')}`
  throw new CodedError('NOT_FOUND', `no generator ${printable(text)}: ${known}`)
}

/** `req-8kq2...` may be typed as `8kq2`. */
const withoutKind = (id: string) => id.replace(/^[a-z]+-/, '')

/** A request by its id or by that of its release, whole or shortened: one's own, or anybody's for an operator. */
export const findRequest = async (api: ApiClient, text: string): Promise<CohortRequest> => {
  const { requests } = await api.json('/requests?limit=1000', requestsSchema)
  const names = ({ request, release }: CohortRequest) =>
    [release, request].filter((id) => id !== undefined).flatMap((id) => [withoutKind(id), id])
  const found = theOne(requests, names, text)
  return found ?? api.json(apiPath('requests', text), requestSchema) // older than those; or the server says what is wrong
}

/** The release of a request that is done. Throws `NOT_FOUND` while it is being made, and for ever where that failed. */
export const releaseOf = ({ request, state, release, error }: CohortRequest): string => {
  if (release !== undefined) return release
  const id = shellWord(printable(request))
  if (error === undefined)
    throw new HintedError('NOT_FOUND', `request ${id} is ${state}`, `Run \`tributary status ${id} --wait\` first.`)
  throw new HintedError('NOT_FOUND', `request ${id} failed: ${printable(error.message)}`, printable(error.hint))
}
