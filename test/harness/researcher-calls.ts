import { expect } from 'vitest'
import { type CohortRequest, problemSchema, requestSchema } from '../../coordinator/api/schemas.ts'
import type { ResearcherApi } from './researcher-api.ts'

type Called = Awaited<ReturnType<ResearcherApi['call']>>
type Researcher = 'ada' | 'bob'

const order = { generator: 'tiny', rows: 6, seed: 3, purpose: 'to test' }

/** What tests ask of the API over and over. */
export const researcherCalls = (api: () => ResearcherApi) => {
  /** POST of six rows of `tiny`. */
  const ask = (who: Researcher, changed: object = {}, headers: Record<string, string> = {}): Promise<Called> =>
    api().call(who, 'POST', '/v1/requests', { body: { ...order, ...changed }, headers })
  const view = async (who: Researcher | 'olga', id: string): Promise<CohortRequest> =>
    requestSchema.parse((await api().call(who, 'GET', `/v1/requests/${id}`)).json())
  return {
    ask,
    view,
    /** Asks, and waits until everything queued is made. */
    made: async (who: Researcher): Promise<CohortRequest & { readonly release: string }> => {
      const { request } = requestSchema.parse((await ask(who)).json())
      await api().runOne()
      const seen = await view(who, request)
      return { ...seen, release: seen.release ?? '' }
    },
  }
}

/** The problem that a call is refused with. */
export const problem = async (response: Called) => {
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
  const parsed = problemSchema.parse(response.json())
  expect(parsed.status).toBe(response.status)
  return parsed
}
