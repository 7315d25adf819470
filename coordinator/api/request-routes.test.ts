import { existsSync } from 'node:fs'
import { systemClock } from '@tributary/shared/system/clock'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { researcherApi, type ResearcherApi } from '../../test/harness/researcher-api.ts'
import { problem, researcherCalls } from '../../test/harness/researcher-calls.ts'
import { releaseFolder } from '../data-paths.ts'
import { requestSchema, requestsSchema } from './schemas.ts'

let api: ResearcherApi
beforeAll(async () => {
  api = await researcherApi(systemClock)
})
afterAll(() => api.close())
const { ask, made, view } = researcherCalls(() => api)

describe('a request', () => {
  it('is queued, made and released', async () => {
    const response = await ask('ada', { where: ' a = 1 ', formats: ['csv'] })
    expect(response.status).toBe(201)
    const queued = requestSchema.parse(response.json())
    expect(queued).toMatchObject({
      state: 'queued',
      user: 'ada',
      generator: 'tiny',
      rows: 6,
      rows_done: 0,
      seed: 3,
      where: 'a = 1',
      purpose: 'to test',
      formats: ['csv'],
    })
    expect(queued.release).toBeUndefined()
    await api.runOne()
    const done = await view('ada', queued.request)
    expect(done).toMatchObject({ state: 'done', rows_done: 6, release: expect.stringMatching(/^rel-[0-9a-z]{16}$/) })
    expect(Date.parse(done.finished!)).toBeGreaterThanOrEqual(Date.parse(done.created))
  })

  it('draws its seed at acceptance when none is given', async () => {
    const seeds = [await ask('ada', { seed: undefined }), await ask('ada', { seed: undefined })].map(
      (response) => response.json().seed,
    )
    expect(seeds[0]).not.toBe(seeds[1])
    await api.runOne()
  })

  it.each([
    ['purpose', { purpose: undefined }],
    ['purpose', { purpose: '   ' }],
    ['purpose', { purpose: 'x'.repeat(501) }],
    ['formats', { formats: [] }],
    ['formats', { formats: ['csv', 'csv'] }],
    ['formats.0', { formats: ['xlsx'] }],
    ['epsilon', { epsilon: 3 }],
    ['where', { where: 'nonsense' }],
    ['generator', { generator: 'none' }],
    ['reweight', { reweight: [] }],
    ['reweight.0.share', { reweight: [{ condition: 'a = 1', share: 1.5 }] }],
    ['reweight.0.value', { reweight: [{ condition: 'a = 1', share: 0.5, value: 1 }] }],
    ['balance', { balance: [] }],
    ['augment.times', { augment: { condition: 'a = 1', times: 0 } }],
    ['set', { set: 'a = 1' }],
  ])('with a bad %s is refused by that field, and not queued', async (field, changed) => {
    const before = api.requests.requests({ limit: 1000 }).length
    expect(await problem(await ask('ada', changed))).toMatchObject({ field })
    expect(api.requests.requests({ limit: 1000 })).toHaveLength(before)
  })

  it('keeps what it adds to a condition, in normal form, and says it', async () => {
    const added = { reweight: [{ condition: 'a = 1', share: 0.25 }], balance: ['a'], set: ['a = 0'] }
    const request = requestSchema.parse(
      (await ask('ada', { ...added, augment: { condition: 'a = 1', times: 2 } })).json(),
    )
    expect(request).toMatchObject({ ...added, where: null })
    const { facts } = api.requests.request(request.request)
    expect(facts.additions).toEqual({ ...added, augment: { condition: 'a = 1', times: 2 } })
    const plain = requestSchema.parse((await ask('ada')).json())
    expect(api.requests.request(plain.request).facts).not.toHaveProperty('additions')
    expect(plain).not.toHaveProperty('reweight')
    const key = { 'idempotency-key': 'added' }
    expect((await ask('ada', added, key)).status).toBe(201)
    expect(await problem(await ask('ada', { ...added, set: ['a = 1'] }, key))).toMatchObject({ status: 422 })
    for (let made = 0; made < 3; made++) await api.runOne()
  })

  it('asked twice with one key is one request', async () => {
    const key = { 'idempotency-key': 'one' }
    const body = { seed: undefined }
    const first = await ask('ada', body, key)
    const again = await ask('ada', body, key)
    expect([first.status, again.status]).toEqual([201, 200])
    expect(again.json()).toEqual(first.json())
    const other = await problem(await ask('ada', { rows: 7 }, key))
    expect(other).toMatchObject({ status: 422, error_code: 'IDEMPOTENCY_KEY_REUSED' })
    expect((await ask('bob', body, key)).json().request).not.toBe(first.json().request)
    await api.runOne()
    expect((await ask('ada', body, key)).json()).toMatchObject({ request: first.json().request, state: 'done' })
    for (const bad of ['', 'a b', 'x'.repeat(129)])
      expect(await problem(await ask('ada', body, { 'idempotency-key': bad }))).toMatchObject({
        status: 400,
        field: 'idempotency-key',
      })
  })

  it('is seen by its user and by operators, and does not exist for others', async () => {
    const mine = await made('ada')
    const url = `/v1/requests/${mine.request}`
    const release = `/v1/releases/${mine.release}`
    const paths = [url, release, `${release}/files/release.json`, `${release}/report`, `${release}/report.html`]
    for (const path of paths) {
      expect((await api.call('ada', 'GET', path)).status).toBe(200)
      expect((await api.call('olga', 'GET', path)).status).toBe(200)
      const refusal = await problem(await api.call('bob', 'GET', path))
      expect(refusal).toEqual(
        await problem(await api.call('bob', 'GET', path.replaceAll(/re[lq]-[0-9a-z]+/g, 'rel-none'))),
      )
      expect(refusal).toMatchObject({ status: 404 })
    }
    expect(await problem(await api.call('bob', 'GET', `/v1/requests?before=${mine.request}`))).toMatchObject({
      status: 404,
    })
    const users = async (who: 'bob' | 'olga') =>
      new Set(
        requestsSchema.parse((await api.call(who, 'GET', '/v1/requests')).json()).requests.map(({ user }) => user),
      )
    await made('bob')
    expect(await users('bob')).toEqual(new Set(['bob']))
    expect(await users('olga')).toEqual(new Set(['ada', 'bob']))
  })

  it('stands in a list, the newest first, page by page', async () => {
    const list = async (query = '') =>
      requestsSchema
        .parse((await api.call('ada', 'GET', `/v1/requests${query}`)).json())
        .requests.map(({ request }) => request)
    await made('ada')
    const all = await list()
    expect(all.length).toBeGreaterThan(2)
    expect([...(await list('?limit=2')), ...(await list(`?before=${all[1]}`))]).toEqual(all)
    for (const query of ['?limit=0', '?limit=x', '?offset=3'])
      expect(await problem(await api.call('ada', 'GET', `/v1/requests${query}`))).toMatchObject({ status: 400 })
  })

  it('that failed says why', async () => {
    const { request } = requestSchema.parse((await ask('ada')).json())
    api.requests.advance(request, { kind: 'start' })
    const error = { error_code: 'SUPPORT_TOO_SMALL', message: 'hardly anyone', hint: 'Widen the condition.' }
    api.requests.advance(request, { kind: 'failed', time: 5, error })
    const failed = await view('ada', request)
    expect(failed).toMatchObject({ state: 'failed', error })
    expect(failed.release).toBeUndefined()
    const { release } = api.requests.request(request).facts
    expect(await problem(await api.call('ada', 'GET', `/v1/releases/${release}`))).toMatchObject({ status: 404 })
  })

  it('is cancelled while it waits: by its user or an operator, and by nobody else', async () => {
    for (const who of ['ada', 'olga'] as const) {
      const { request } = requestSchema.parse((await ask('ada')).json())
      const url = `/v1/requests/${request}`
      expect(await problem(await api.call('bob', 'DELETE', url))).toMatchObject({ status: 404 })
      const cancelled = await api.call(who, 'DELETE', url)
      expect(cancelled.status).toBe(200)
      expect(requestSchema.parse(cancelled.json())).toMatchObject({ state: 'cancelled', rows_done: 0 })
      expect(api.users.audit(1)[0]).toMatchObject({ user: who, action: 'cancel', object: request, detail: 'queued' })
      await api.runOne()
      expect(await view('ada', request)).toMatchObject({ state: 'cancelled' })
      expect(existsSync(releaseFolder(api.dataDir, api.requests.request(request).facts.release))).toBe(false)
      expect((await api.call(who, 'DELETE', url)).json()).toEqual(cancelled.json())
    }
    expect(await problem(await api.call('ada', 'DELETE', '/v1/requests/req-none'))).toMatchObject({ status: 404 })
  })

  it('says what it waits for', async () => {
    const { request } = requestSchema.parse((await ask('ada')).json())
    expect((await view('ada', request)).waiting_for).toBeUndefined()
    api.requests.advance(request, { kind: 'wait', reason: 'disk_space' })
    expect(await view('ada', request)).toMatchObject({ state: 'queued', waiting_for: 'disk_space' })
    await api.runOne()
    expect((await view('ada', request)).waiting_for).toBeUndefined()
  })

  it('that breaks the quota of its user is refused, until something is deleted', async () => {
    const carl = api.users.add('carl', 'researcher', 0)
    api.users.allow('carl', { rows: 10 })
    const post = (rows: number) =>
      api.app.inject({
        method: 'POST',
        url: '/v1/requests',
        headers: { authorization: `Bearer ${carl}` },
        payload: { generator: 'tiny', rows, purpose: 'to test' },
      })
    const first = (await post(6)).json()
    const refused = await post(5)
    expect([refused.statusCode, refused.json()]).toEqual([
      403,
      expect.objectContaining({
        error_code: 'QUOTA_EXCEEDED',
        field: 'rows',
        detail: '5 rows on top of 6 kept or on their way; 10 are allowed',
        hint: expect.stringContaining('tributary cancel'),
      }),
    ])
    expect((await post(4)).statusCode).toBe(201)
    await api.runOne() // what is kept counts as what is on its way
    expect((await post(5)).statusCode).toBe(403)
    await api.call('olga', 'DELETE', `/v1/requests/${first.request}`)
    expect((await post(6)).statusCode).toBe(201)
    expect((await ask('ada')).status).toBe(201) // another's rows count nothing
    await api.runOne()
  })

  it('waits while too many of the same user are unfinished', async () => {
    for (let i = 0; i < 20; i++) expect((await ask('bob')).status).toBe(201)
    expect(await problem(await ask('bob'))).toMatchObject({ status: 429, error_code: 'TOO_MANY_REQUESTS' })
    expect((await ask('ada')).status).toBe(201)
    await api.runOne()
    expect((await ask('bob')).status).toBe(201)
    await api.runOne()
  })
})
