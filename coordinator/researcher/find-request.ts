import { type CohortRequest, requestSchema, requestsSchema } from '../api/schemas.ts'
import { apiPath, type ApiClient } from './api-client.ts'
import { theOne } from './the-one.ts'

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
