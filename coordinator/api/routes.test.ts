import { systemClock } from '@tributary/shared/system/clock'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { researcherApi, type ResearcherApi } from '../../test/harness/researcher-api.ts'
import { problem } from '../../test/harness/researcher-calls.ts'
import { cohortPlanSchema, generatorDetailSchema, generatorsSchema, healthSchema, probeSchema } from './schemas.ts'

let api: ResearcherApi
beforeAll(async () => {
  api = await researcherApi(systemClock)
})
afterAll(() => api.close())

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
    ['plan', 'where', { rows: 5, where: 7 }],
    ['plan', 'body', []],
  ])('is told the field of a bad %s: %s', async (route, field, body) => {
    const refusal = await problem(await api.call('ada', 'POST', `/v1/generators/tiny/${route}`, { body }))
    expect(refusal).toMatchObject({ status: 400, error_code: 'ARGUMENT_INVALID', field })
    expect(refusal.hint).not.toBe('')
    expect(refusal.detail).toMatch(new RegExp(`^${field} (must|is) `))
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
