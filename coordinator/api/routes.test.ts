import { hashBytes } from '@tributary/shared/wire/canonical'
import { createHash } from 'node:crypto'
import { appendFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '@tributary/shared/system/clock'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { researcherApi, type ResearcherApi } from '../../test/harness/researcher-api.ts'
import { releaseFolder } from '../data-paths.ts'
import {
  cohortPlanSchema,
  type CohortRequest,
  generatorDetailSchema,
  generatorsSchema,
  healthSchema,
  probeSchema,
  problemSchema,
  releaseListingSchema,
  requestSchema,
  requestsSchema,
} from './schemas.ts'

let api: ResearcherApi
beforeAll(async () => {
  api = await researcherApi(systemClock)
})
afterAll(() => api.close())

const order = { generator: 'tiny', rows: 6, seed: 3, purpose: 'to test' }
const ask = async (who: 'ada' | 'bob', changed: object = {}, headers: Record<string, string> = {}) =>
  api.call(who, 'POST', '/v1/requests', { body: { ...order, ...changed }, headers })
const made = async (who: 'ada' | 'bob'): Promise<CohortRequest> => {
  const { request } = requestSchema.parse((await ask(who)).json())
  await api.runOne()
  return requestSchema.parse((await api.call(who, 'GET', `/v1/requests/${request}`)).json())
}
/** The problem that a call is refused with. */
const problem = async (response: Awaited<ReturnType<ResearcherApi['call']>>) => {
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
  const parsed = problemSchema.parse(response.json())
  expect(parsed.status).toBe(response.status)
  return parsed
}

describe('anybody', () => {
  it('sees the federation and its key, and nothing else', async () => {
    const response = await api.call(null, 'GET', '/v1/health')
    const health = healthSchema.parse(response.json())
    expect(health.federation).toBe('test')
    expect(Buffer.from(health.signing_key.public_key, 'base64')).toEqual(Buffer.from(api.signingKey))
    expect(response.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
    expect(response.headers['x-request-id']).toMatch(/^[0-9a-f]{16}$/)
    expect(response.headers['access-control-allow-origin']).toBeUndefined()
  })

  it('is told in a problem what does not exist', async () => {
    for (const url of ['/', '/v2/health', '/v1/health/x'])
      expect(await problem(await api.call('ada', 'GET', url))).toMatchObject({ status: 404, error_code: 'NOT_FOUND' })
    expect(await problem(await api.call('ada', 'POST', '/v1/health'))).toMatchObject({ status: 404 })
    expect(await problem(await api.call('ada', 'GET', '/v1/%E0%A4%A'))).toMatchObject({ status: 400 })
  })
})

describe('a researcher', () => {
  it('is who the token says', async () => {
    expect((await api.call('ada', 'GET', '/v1/whoami')).json()).toEqual({ user: 'ada', role: 'researcher' })
    expect((await api.call('olga', 'GET', '/v1/whoami')).json()).toEqual({ user: 'olga', role: 'operator' })
  })

  it('finds the completed generators, by name and by study', async () => {
    const { generators } = generatorsSchema.parse((await api.call('ada', 'GET', '/v1/generators')).json())
    expect(generators).toHaveLength(1)
    const { study } = api.published
    expect(generators[0]!.study).toBe(study)
    for (const name of ['tiny', study, study.slice(0, 8)])
      expect(generatorDetailSchema.parse((await api.call('ada', 'GET', `/v1/generators/${name}`)).json()).study).toBe(
        study,
      )
    for (const name of ['waiting', 'none', study.slice(0, 7), `${study}0`]) {
      const refusal = await problem(await api.call('ada', 'GET', `/v1/generators/${name}`))
      expect(refusal.error_code).toBe(name.length === 65 ? 'ARGUMENT_INVALID' : 'NOT_FOUND')
    }
  })

  it('looks at some rows and at what a cohort would be', async () => {
    const probe = probeSchema.parse((await api.call('ada', 'POST', '/v1/generators/tiny/probe', { body: {} })).json())
    expect(probe).toMatchObject({ columns: ['a'], seed: 0 })
    expect(probe.rows).toHaveLength(20)
    const plan = await api.call('ada', 'POST', '/v1/generators/tiny/plan', { body: { rows: 9, where: 'a = 1' } })
    expect(cohortPlanSchema.parse(plan.json())).toMatchObject({ rows: 9, seed: 0, where: 'a = 1', privacy_cost: 0 })
    for (const route of ['probe', 'plan']) {
      const url = `/v1/generators/tiny/${route}`
      const refused = await problem(await api.call('ada', 'POST', url, { body: { rows: 5, where: 'nonsense' } }))
      expect(refused).toMatchObject({ error_code: 'CONDITION_INVALID', field: 'where' })
      expect(
        await problem(await api.call('ada', 'POST', url.replace('tiny', 'waiting'), { body: { rows: 5 } })),
      ).toMatchObject({ status: 404 })
    }
  })

  it.each([
    ['probe', 'rows', { rows: 101 }],
    ['probe', 'rows', { rows: 0 }],
    ['probe', 'rows', { rows: '5' }],
    ['probe', 'rosw', { rosw: 5 }],
    ['plan', 'rows', {}],
    ['plan', 'seed', { rows: 5, seed: -1 }],
    ['plan', 'seed', { rows: 5, seed: 1.5 }],
    ['plan', 'rows', { rows: 10_000_001 }],
    ['plan', 'where', { rows: 5, where: '' }],
    ['plan', 'where', { rows: 5, where: 'x'.repeat(4001) }],
    ['plan', 'body', []],
  ])('is told the field of a bad %s: %s', async (route, field, body) => {
    const refusal = await problem(await api.call('ada', 'POST', `/v1/generators/tiny/${route}`, { body }))
    expect(refusal).toMatchObject({ status: 400, error_code: 'ARGUMENT_INVALID', field })
    expect(refusal.hint).not.toBe('')
  })

  it('sends JSON, and not too much', async () => {
    const send = (payload: string, type = 'application/json') =>
      api.app.inject({
        method: 'POST',
        url: '/v1/generators/tiny/probe',
        headers: { authorization: `Bearer ${api.tokens.ada}`, 'content-type': type },
        payload,
      })
    const codeOf = async (response: ReturnType<typeof send>) => {
      const { statusCode, body } = await response
      expect(body).not.toContain('PLANTED')
      return [statusCode, JSON.parse(body).error_code]
    }
    expect(await codeOf(send('{"rows": PLANTED'))).toEqual([400, 'ARGUMENT_INVALID'])
    expect(await codeOf(send(''))).toEqual([400, 'ARGUMENT_INVALID'])
    expect(await codeOf(send('{"__proto__": {"rows": 5}}'))).toEqual([400, 'ARGUMENT_INVALID'])
    expect(await codeOf(send('rows=PLANTED', 'application/x-www-form-urlencoded'))).toEqual([
      415,
      'MEDIA_TYPE_UNSUPPORTED',
    ])
    expect(await codeOf(send(JSON.stringify({ where: 'PLANTED'.repeat(10_000) })))).toEqual([413, 'BODY_TOO_LARGE'])
  })
})

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
    const done = requestSchema.parse((await api.call('ada', 'GET', `/v1/requests/${queued.request}`)).json())
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
  ])('with a bad %s is refused by that field, and not queued', async (field, changed) => {
    const before = api.requests.requests({ limit: 1000 }).length
    expect(await problem(await ask('ada', changed))).toMatchObject({ field })
    expect(api.requests.requests({ limit: 1000 })).toHaveLength(before)
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
    const error = { error_code: 'DISK_FULL', message: 'no space left', hint: 'Free disk space.' }
    api.requests.advance(request, { kind: 'failed', time: 5, error })
    const failed = requestSchema.parse((await api.call('ada', 'GET', `/v1/requests/${request}`)).json())
    expect(failed).toMatchObject({ state: 'failed', error })
    expect(failed.release).toBeUndefined()
    const { release } = api.requests.request(request).facts
    expect(await problem(await api.call('ada', 'GET', `/v1/releases/${release}`))).toMatchObject({ status: 404 })
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

describe('a release', () => {
  it('is downloaded as it was signed', async () => {
    const { release, request } = await made('ada')
    const listing = releaseListingSchema.parse((await api.call('ada', 'GET', `/v1/releases/${release}`)).json())
    expect(listing).toMatchObject({ release, request })
    expect(listing.files.map(({ name }) => name)).toEqual([
      'SHA256SUMS',
      'attestation.dsse.json',
      'data/cohort.csv',
      'release.json',
      'report.html',
      'report.json',
    ])
    for (const { name, bytes, sha256 } of listing.files) {
      const url = `/v1/releases/${release}/files/${name}`
      const file = await api.call('ada', 'GET', url)
      expect(file.status).toBe(200)
      expect(createHash('sha256').update(file.bytes).digest('hex')).toBe(sha256)
      expect(file.bytes).toHaveLength(bytes)
      expect(file.headers).toMatchObject({
        'content-length': String(bytes),
        etag: `"${sha256}"`,
        'content-disposition': 'attachment',
        'x-content-type-options': 'nosniff',
      })
      const again = await api.call('ada', 'GET', url, { headers: { 'if-none-match': `"${sha256}"` } })
      expect([again.status, again.bytes.length]).toEqual([304, 0])
    }
  })

  it('shows its report, which may load nothing', async () => {
    const { release } = await made('ada')
    expect((await api.call('ada', 'GET', `/v1/releases/${release}/report`)).json()).toEqual({ synthetic: true })
    const page = await api.call('ada', 'GET', `/v1/releases/${release}/report.html`)
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.text).toContain('SYNTHETIC')
    const policy = String(page.headers['content-security-policy']).split('; ')
    expect(policy).toEqual(expect.arrayContaining(["default-src 'none'", "style-src 'unsafe-inline'", 'img-src data:']))
    expect(policy.some((part) => part.includes('script'))).toBe(false)
  })

  it('that lost a file says so, and does not exist before it is made', async () => {
    const { release } = await made('ada')
    rmSync(join(releaseFolder(api.dataDir, release!), 'report.json'))
    expect(await problem(await api.call('ada', 'GET', `/v1/releases/${release}/report`))).toMatchObject({
      status: 409,
      error_code: 'STATE_CORRUPT',
    })
    const { request } = requestSchema.parse((await ask('ada')).json())
    const waiting = api.requests.request(request).facts.release
    expect(await problem(await api.call('ada', 'GET', `/v1/releases/${waiting}`))).toMatchObject({ status: 404 })
    await api.runOne()
  })

  it('that was altered on disk is not what its etag says: a download shows it', async () => {
    const { release } = await made('ada')
    appendFileSync(join(releaseFolder(api.dataDir, release!), 'data/cohort.csv'), 'x')
    const file = await api.call('ada', 'GET', `/v1/releases/${release}/files/data/cohort.csv`)
    expect(file.headers.etag).not.toBe(`"${hashBytes(file.bytes)}"`)
  })
})

it('the audit says who made and downloaded what, without a token', async () => {
  const { request, release } = await made('bob')
  await api.call('bob', 'POST', '/v1/generators/tiny/probe', { body: { rows: 1, where: 'a = 1' } })
  await api.call('bob', 'GET', `/v1/releases/${release}/files/data/cohort.csv`)
  await api.call('olga', 'GET', `/v1/releases/${release}/report.html`)
  const audit = api.users.audit(1000)
  expect(audit.slice(0, 4).map(({ user, action, object, detail }) => [user, action, object, detail])).toEqual([
    ['olga', 'download', release, 'report.html'],
    ['bob', 'download', release, 'data/cohort.csv'],
    ['bob', 'probe', api.published.study, JSON.stringify({ rows: 1, seed: 0, where: 'a = 1' })],
    ['bob', 'request', request, 'to test'],
  ])
  expect(JSON.stringify(audit)).not.toMatch(/trib_/)
})
