import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { systemClock } from '@tributary/shared/system/clock'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { researcherApi, type ResearcherApi } from '../../test/harness/researcher-api.ts'
import { problem, researcherCalls } from '../../test/harness/researcher-calls.ts'
import { releaseFolder } from '../data-paths.ts'
import { releaseListingSchema, requestSchema } from './schemas.ts'

let api: ResearcherApi
beforeAll(async () => {
  api = await researcherApi(systemClock)
})
afterAll(() => api.close())
const { ask, made } = researcherCalls(() => api)

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

  it('is resumed from the byte where a download broke off, as long as it is the same file', async () => {
    const { release } = await made('ada')
    const url = `/v1/releases/${release}/files/data/cohort.csv`
    const get = (headers: Record<string, string>) => api.call('ada', 'GET', url, { headers })
    const whole = await get({})
    const total = whole.bytes.length
    const etag = String(whole.headers.etag)
    expect(whole.headers['accept-ranges']).toBe('bytes')
    const rest = await get({ range: 'bytes=7-', 'if-range': etag })
    expect([rest.status, rest.bytes]).toEqual([206, whole.bytes.subarray(7)])
    expect(rest.headers).toMatchObject({
      'content-range': `bytes 7-${total - 1}/${total}`,
      'content-length': String(total - 7),
      etag,
    })
    expect((await get({ range: 'bytes=2-4' })).bytes).toEqual(whole.bytes.subarray(2, 5))
    expect((await get({ range: 'bytes=-3' })).bytes).toEqual(whole.bytes.subarray(-3))
    // Another file by now, several ranges, another unit: the whole file.
    for (const headers of [
      { range: 'bytes=7-', 'if-range': '"other"' },
      { range: 'bytes=7-', 'if-range': 'Sun, 22 Nov 2026 08:00:00 GMT' },
      { range: 'bytes=1-2,4-5' },
      { range: 'rows=1-2' },
    ]) {
      const again = await get(headers)
      expect([again.status, again.bytes]).toEqual([200, whole.bytes])
      expect(again.headers['content-range']).toBeUndefined()
    }
    const beyond = await get({ range: `bytes=${total}-` })
    expect(await problem(beyond)).toMatchObject({ status: 416, error_code: 'RANGE_UNSATISFIABLE' })
    expect(beyond.headers['content-range']).toBe(`bytes */${total}`)
    expect(api.users.audit(10).map(({ detail }) => detail)).toContain('data/cohort.csv from byte 2')
  })

  it('is deleted by its owner or an operator, and by nobody else', async () => {
    for (const who of ['ada', 'olga'] as const) {
      const { request, release } = await made('ada')
      const folder = releaseFolder(api.dataDir, release)
      const url = `/v1/requests/${request}`
      expect(await problem(await api.call('bob', 'DELETE', url))).toMatchObject({ status: 404 })
      expect(existsSync(folder)).toBe(true)
      const gone = await api.call(who, 'DELETE', url)
      expect(gone.status).toBe(200)
      const seen = requestSchema.parse(gone.json())
      expect(seen).toMatchObject({ state: 'deleted', rows_done: 6, deleted: expect.any(String) })
      expect(seen.release).toBeUndefined()
      expect(existsSync(folder)).toBe(false)
      expect(await problem(await api.call('ada', 'GET', `/v1/releases/${release}`))).toMatchObject({
        status: 404,
        detail: 'this release was deleted',
      })
      expect(api.users.audit(1)[0]).toMatchObject({ user: who, action: 'delete', object: request, detail: release })
      // Once is enough, and the audit says it once.
      expect((await api.call(who, 'DELETE', url)).json()).toEqual(gone.json())
      expect(api.users.audit(2).filter(({ action, object }) => action === 'delete' && object === request)).toHaveLength(
        1,
      )
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
    rmSync(join(releaseFolder(api.dataDir, release), 'report.json'))
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
    appendFileSync(join(releaseFolder(api.dataDir, release), 'data/cohort.csv'), 'x')
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
