import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { researcherApi, type ResearcherApi } from '../../test/harness/researcher-api.ts'
import { HandClock } from '../../test/harness/hand-clock.ts'
import { UserStore, usersPath } from '../users/user-store.ts'
import { RefusalBrake } from './refusal-brake.ts'
import { apiBase, problemSchema } from './schemas.ts'

/** Stands still, but lets whoever sleeps go on at once. */
class PatientClock extends HandClock {
  readonly slept: number[] = []
  override async sleep(ms: number): Promise<void> {
    this.slept.push(ms)
  }
}

let api: ResearcherApi
let clock: PatientClock
beforeEach(async () => {
  clock = new PatientClock()
  api = await researcherApi(clock)
})
afterEach(() => api.close())

const closedRoutes = [
  ['GET', `${apiBase}/whoami`],
  ['GET', `${apiBase}/generators`],
  ['GET', `${apiBase}/generators/tiny`],
  ['POST', `${apiBase}/generators/tiny/probe`],
  ['POST', `${apiBase}/generators/tiny/plan`],
  ['POST', `${apiBase}/requests`],
  ['GET', `${apiBase}/requests`],
  ['GET', `${apiBase}/requests/x`],
  ['GET', `${apiBase}/releases/x`],
  ['GET', `${apiBase}/releases/x/files/y`],
  ['GET', `${apiBase}/releases/x/report`],
  ['GET', `${apiBase}/releases/x/report.html`],
] as const

const as = (authorization?: string, [method, url]: (typeof closedRoutes)[number] = closedRoutes[0]) =>
  api.app.inject({ method, url, headers: authorization === undefined ? {} : { authorization } })

describe('every route but health and the document', () => {
  it('refuses a call without a token, before it looks at anything else', async () => {
    for (const route of closedRoutes) {
      const response = await as(undefined, route)
      expect(response.statusCode).toBe(401)
      expect(response.headers['www-authenticate']).toBe('Bearer realm="tributary"')
      expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
      expect(problemSchema.parse(response.json())).toMatchObject({ error_code: 'LOGIN_REFUSED', status: 401 })
    }
    expect(clock.slept).toEqual([])
  })

  it('refuses wrong tokens, each a little later', async () => {
    const { ada } = api.tokens
    const wrong = ['Bearer', 'Bearer x', `Basic ${ada}`, `Bearer ${ada}x`, ada, `Bearer ${ada} ${ada}`, 'Bearer \u00e9']
    for (const authorization of wrong) {
      const response = await as(authorization)
      expect(response.statusCode).toBe(401)
      expect(response.headers['www-authenticate']).toContain('error="invalid_token"')
      expect(response.body).not.toContain(ada)
    }
    expect(clock.slept).toEqual(wrong.map((_, i) => 100 * (i + 1)))
    expect((await as(`bearer ${ada}`)).statusCode).toBe(200)
  })

  it('refuses a removed user at the next call', async () => {
    const { ada } = api.tokens
    expect((await as(`Bearer ${ada}`)).statusCode).toBe(200)
    const beside = UserStore.open(usersPath(api.dataDir))
    beside.remove('ada', 1)
    beside.close()
    for (const route of closedRoutes) expect((await as(`Bearer ${ada}`, route)).statusCode).toBe(401)
  })

  it('lets right tokens in while too many wrong ones are refused unread', async () => {
    for (let i = 0; i < 30; i++) expect((await as('Bearer guess')).statusCode).toBe(401)
    const refused = await as('Bearer guess')
    expect(refused.statusCode).toBe(429)
    expect(refused.headers['retry-after']).toBe('60')
    expect((await as(`Bearer ${api.tokens.bob}`)).statusCode).toBe(200)
    clock.advance(60_000)
    expect((await as('Bearer guess')).statusCode).toBe(401)
  })
})

it('logs calls by route and user, and never a token, a header or a body', async () => {
  const { ada } = api.tokens
  const headers = { authorization: `Bearer ${ada}`, cookie: 'PLANTED-cookie', 'idempotency-key': 'PLANTED-key' }
  const body = { generator: 'tiny', rows: 3, purpose: 'PLANTED-purpose', where: 'nonsense' }
  await api.app.inject({ method: 'POST', url: '/v1/requests', headers, payload: body })
  await api.app.inject({ method: 'GET', url: `/v1/generators/${ada}?token=${ada}`, headers })
  await api.app.inject({ method: 'GET', url: `/${ada}`, headers })
  await api.app.inject({ method: 'POST', url: '/v1/requests', headers, payload: `{"${ada}` })
  await as(`Bearer ${ada}PLANTED`)
  const text = api.lines.join('')
  expect(api.lines.length).toBeGreaterThanOrEqual(5)
  expect(JSON.parse(api.lines[0]!)).toMatchObject({ method: 'POST', route: '/v1/requests', status: 400, user: 'ada' })
  for (const secret of [ada, ada.slice(5, 25), 'PLANTED', 'Bearer', 'authorization']) expect(text).not.toContain(secret)
})

it('logs a defect by its place in our code, not by its words', async () => {
  api.catalogue.find = () => Promise.reject(new TypeError('PLANTED words'))
  const response = await as(`Bearer ${api.tokens.ada}`, closedRoutes[2])
  expect(response.statusCode).toBe(500)
  expect(problemSchema.parse(response.json())).toMatchObject({ error_code: 'INTERNAL' })
  expect(response.body + api.lines.join('')).not.toContain('PLANTED')
  expect(api.lines.map((line) => JSON.parse(line)).find(({ level }) => level === 50)).toMatchObject({
    name: 'TypeError',
    frames: expect.arrayContaining([expect.stringContaining('authentication.test.ts')]),
  })
})

it('the brake forgets after a minute, and when the clock is set back', () => {
  const brake = new RefusalBrake()
  expect([brake.note(0), brake.note(1), brake.note(59_999), brake.note(60_000), brake.note(5)]).toEqual([
    100, 200, 300, 100, 100,
  ])
  for (let i = 0; i < 29; i++) expect(brake.note(10)).toBeLessThanOrEqual(2000)
  expect(brake.note(10)).toBeUndefined()
})
