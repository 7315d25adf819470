import { describe, expect, it } from 'vitest'
import { loggedInForAll } from '../../test/harness/logged-in.ts'
import { answer, problem, releaseId, requestId, requestView } from '../../test/harness/researchers-server.ts'
import { requestSchema, requestsSchema } from '../api/schemas.ts'

const at = loggedInForAll()
const { run } = at

describe('status', () => {
  it('lists, or shows one by the beginning of its id', async () => {
    expect((await run('status')).out).toMatch(
      /request +state +generator.*\nreq-8kq2a+ +done +ckd-2027 +5,000 +age >= 60/,
    )
    for (const id of ['req-8k', '8kq2', 'rel-77', '77z', requestId])
      expect((await run('status', id, '--json')).envelope().data).toMatchObject({ request: requestId })
    at.server.showRequest()
    at.server.routes.set(`GET /v1/requests/8k`, problem('NOT_FOUND', 'no such request'))
    expect((await run('status', '8k', '--json')).envelope()).toMatchObject({ error_code: 'NOT_FOUND' })
    expect((await run('status')).out).toBe('(none)\n')
  })

  it('a list says what was asked, beyond a condition too', async () => {
    const requests = [
      requestView({ request: 'req-1', where: null, balance: ['sex', 'age'] }),
      requestView({ request: 'req-2', where: 'age >= 60', set: ['smoking = never'] }),
      requestView({ request: 'req-3', where: null }),
    ]
    at.server.routes.set('GET /v1/requests', answer(requestsSchema, { requests }))
    const { out } = await run('status')
    expect(out).toMatch(/req-1 .* balance sex, age  /)
    expect(out).toMatch(/req-2 .* age >= 60; what if smoking = never  /)
    expect(out).toMatch(/req-3 .* everybody  /)
  })

  it('--wait returns when it is done, through a restart of the coordinator, and says how far it is', async () => {
    const running = requestView({ state: 'running', rows_done: 1200 })
    at.server.showRequest(
      requestView(),
      ...Array.from({ length: 9 }, () => running),
      requestView({ state: 'done', release: releaseId }),
    )
    const shown = at.server.routes.get(`GET /v1/requests/${requestId}`)
    let questions = 0
    at.server.routes.set(`GET /v1/requests/${requestId}`, (asked, response) =>
      ++questions === 3 ? problem('UNAVAILABLE')(asked, response) : shown?.(asked, response),
    )
    const { code, out, err } = await run('status', '8kq2', '--wait')
    expect(code).toBe(0)
    expect(out).toMatch(/state +done/)
    expect(err).toContain(`request ${requestId}  running  1,200 of 5,000 rows\n`)
    expect(err).toContain(`tributary download ${requestId} --out DIR`)
  })

  it('--wait is patient from its first question on', async () => {
    const list = at.server.routes.get('GET /v1/requests')!
    let questions = 0
    at.server.routes.set('GET /v1/requests', (asked, response) =>
      ++questions <= 7 ? problem('UNAVAILABLE')(asked, response) : list(asked, response),
    )
    const { code, out, err } = await run('status', '8kq2', '--wait')
    expect({ code, questions }).toEqual({ code: 0, questions: 8 })
    expect(out).toMatch(/state +done/)
    expect(err).toContain('the coordinator is away, asking again')
    questions = 0
    expect((await run('status', '8kq2')).code).toBe(2)
    at.server.routes.set('GET /v1/requests', problem('LOGIN_REFUSED'))
    expect((await run('status', '8kq2', '--wait', '--json')).envelope()).toMatchObject({ error_code: 'LOGIN_REFUSED' })
    at.server.routes.set('GET /v1/requests', () => undefined)
    expect((await run('status', '8kq2', '--wait', '--timeout', '0.2')).code).toBe(3)
  })

  it('says what a queued request waits for', async () => {
    for (const [reason, text] of [
      ['disk_space', "queued, waiting for room on the coordinator's disk"],
      ['coordinator', 'queued, waiting for the operator to repair a fault'],
      ['the moon\u001b[31m', 'queued, waiting for the moon [31m'],
    ] as const) {
      at.server.showRequest(requestView({ waiting_for: reason }))
      expect((await run('status', '8kq2')).out).toContain(text)
      expect((await run('status')).out).toContain('queued')
    }
  })

  it('--wait tells why a request failed, with the exit code of that', async () => {
    const error = { error_code: 'SUPPORT_TOO_SMALL', message: 'nobody matches', hint: 'Ask for more people.' }
    at.server.showRequest(requestView(), requestView({ state: 'failed', error }))
    const { code, envelope } = await run('status', '8kq2', '--wait', '--json')
    expect(envelope()).toMatchObject({ ...error, message: expect.stringContaining('nobody matches') })
    expect(code).toBeGreaterThan(0)
  })

  it('--wait gives up after --timeout, or when the coordinator stays away', async () => {
    at.server.showRequest(requestView())
    at.server.routes.set(`GET /v1/requests/${requestId}`, () => undefined)
    const late = await run('status', '8kq2', '--wait', '--timeout', '0.2', '--json')
    expect(late.code).toBe(3)
    expect(late.envelope()).toMatchObject({
      error_code: 'DEADLINE_PASSED',
      hint: expect.stringContaining('nothing is lost'),
    })
    at.server.routes.set(`GET /v1/requests/${requestId}`, (_asked, response) => void response.destroy())
    expect((await run('status', '8kq2', '--wait')).code).toBe(2)
    expect((await run('status', '--wait')).code).toBe(4)
  })
})

describe('cancel', () => {
  const route = `DELETE /v1/requests/${requestId}`
  const deleted = () => at.server.asked.filter(({ method }) => method === 'DELETE')

  it('stops a request that is not done', async () => {
    at.server.showRequest(requestView({ state: 'running', rows_done: 10 }))
    at.server.routes.set(route, answer(requestSchema, requestView({ state: 'cancelled' })))
    const { code, out, err } = await run('cancel', '8kq2')
    expect(code).toBe(0)
    expect(out).toMatch(/state +cancelled/)
    expect(err).toContain('next: tributary plan')
    expect(deleted()).toMatchObject([{ path: `/v1/requests/${requestId}`, body: undefined }])
  })

  it('deletes no release unless told to', async () => {
    const refused = await run('cancel', '8kq2', '--json')
    expect(refused.code).toBe(1)
    expect(refused.envelope()).toMatchObject({
      message: expect.stringContaining(releaseId),
      hint: expect.stringContaining('--delete-release'),
    })
    expect(deleted()).toEqual([])
    const time = '2026-11-22T11:00:00.000Z'
    at.server.routes.set(route, answer(requestSchema, requestView({ state: 'deleted', deleted: time })))
    const { code, out } = await run('cancel', '8kq2', '--delete-release')
    expect(code).toBe(0)
    expect(out).toMatch(/state +deleted[^]*deleted +2026-11-22T11/)
  })

  it.each(['cancelled', 'deleted'] as const)(
    'one that is %s is waited for, reported and downloaded no more',
    async (state) => {
      at.server.showRequest(requestView({ state, release: releaseId }))
      for (const words of [
        ['status', '8kq2', '--wait'],
        ['report', '8kq2'],
        ['download', '8kq2', '--out', at.home],
      ]) {
        const { code, envelope } = await run(...words, '--json')
        expect({ code, error: envelope().error_code }).toEqual({ code: 1, error: 'REQUEST_WITHDRAWN' })
      }
      expect((await run('status', '8kq2')).out).toMatch(new RegExp(`state +${state}`))
    },
  )
})
