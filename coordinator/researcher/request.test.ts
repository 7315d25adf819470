import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loggedInForAll } from '../../test/harness/logged-in.ts'
import { answer, problem, releaseId, requestId, requestView, token } from '../../test/harness/researchers-server.ts'
import { tributary } from '../../test/harness/tributary.ts'
import { requestSchema } from '../api/schemas.ts'

const at = loggedInForAll()
const { run } = at

describe('request', () => {
  const words = ['request', 'ckd-2027', '-n', '5000', '--where', 'age >= 60', '--seed', '7', '--purpose', 'sample size']
  const keys = () =>
    at.server.asked.filter(({ method }) => method === 'POST').map(({ headers }) => headers['idempotency-key'])

  it('sends the order and prints the next command', async () => {
    const { code, out, err } = await run(...words, '--format', 'csv')
    expect(code).toBe(0)
    expect(out).toMatch(/request +req-8kq2a+\nstate +queued/)
    expect(err).toContain(`next: tributary status ${requestId} --wait`)
    expect(at.lastBody('/requests')).toEqual({
      generator: 'c0ffee'.padEnd(64, '0'),
      rows: 5000,
      where: 'age >= 60',
      seed: 7,
      purpose: 'sample size',
      formats: ['csv'],
    })
  })

  it('a lost answer and the same command again make one request', async () => {
    const accept = at.server.routes.get('POST /v1/requests')!
    at.server.routes.set('POST /v1/requests', (_asked, response) => void response.destroy())
    const lost = await run(...words, '--json')
    expect(lost.code).toBe(2)
    expect(lost.envelope().hint).toContain('Run the same command again')
    at.server.routes.set('POST /v1/requests', () => undefined)
    expect((await run(...words, '--timeout', '0.2')).code).toBe(3)
    at.server.routes.set('POST /v1/requests', accept)
    expect((await run(...words)).code).toBe(0)
    const [first, again, accepted] = keys()
    expect(first).toMatch(/^[0-9a-f-]{36}$/)
    expect([again, accepted]).toEqual([first, first])
  })

  it('after an answer the same command is the same request, said so; --again makes another', async () => {
    const order = [...words, '--seed', '1']
    const first = await run(...order)
    expect(first.err).not.toContain('--again')
    const second = await run(...order)
    expect(second).toMatchObject({ code: 0, err: expect.stringContaining(`${requestId}; --again makes another`) })
    expect((await run(...order, '--json')).envelope().data).toMatchObject({ request: requestId, repeated: true })
    const another = await run(...order, '--again', '--json')
    expect(another.envelope().data).not.toHaveProperty('repeated')
    await run(...order)
    const [one, two, three, four, five] = keys()
    expect([two, three]).toEqual([one, one])
    expect(four).not.toBe(one)
    expect(five).toBe(four)
  })

  it('a day later, after a refusal, or where the request came to nothing, the same command is a new one', async () => {
    const order = [...words, '--seed', '2']
    let now = 1_800_000_000_000
    const clock = { now: () => now, sleep: async () => undefined }
    const later = tributary({ home: at.home, clock })
    await later(...order)
    now += 23 * 3_600_000
    await later(...order)
    now += 3_600_000
    await later(...order)
    const [first, same, next] = keys()
    expect(same).toBe(first)
    expect(next).not.toBe(first)
    expect(readdirSync(join(at.home, 'pending-requests')).length).toBe(1) // the others are as old
    for (const state of ['failed', 'cancelled', 'deleted'] as const) {
      at.server.asked.length = 0
      at.server.routes.set('POST /v1/requests', ({ headers }, response) => {
        const isNext = headers['idempotency-key'] !== next && new Set(keys()).size > 1
        answer(requestSchema, requestView(isNext ? { request: 'req-other' } : { state }), 201)({} as never, response)
      })
      await run(...order, '--again')
      const { envelope } = await run(...order, '--json')
      expect(envelope().data).toMatchObject({ request: 'req-other', state: 'queued' })
    }
    at.server.asked.length = 0
    at.server.routes.set('POST /v1/requests', problem('CONDITION_INVALID'))
    expect((await run(...order, '--again')).code).toBe(4)
    expect((await run(...order)).code).toBe(4)
    const [refused, refusedAgain] = keys()
    expect(refused).not.toBe(refusedAgain)
  })

  it('another order has another key, whatever became of the first', async () => {
    at.server.routes.set('POST /v1/requests', (_asked, response) => void response.destroy())
    await run(...words)
    await run(...words, '--seed', '8')
    expect(new Set(keys()).size).toBe(2)
  })

  it('reads a file, over which options win, and names its lines', async () => {
    const file = join(at.home, 'request.yaml')
    writeFileSync(file, 'generator: ckd-2027\nrows: 10\npurpose: from the file\nformats: [csv]\n')
    expect((await run('request', '-f', file, '-n', '20')).code).toBe(0)
    expect(at.lastBody('/requests')).toMatchObject({ rows: 20, purpose: 'from the file', formats: ['csv'] })
    writeFileSync(file, 'generator: ckd-2027\nrows: many\n')
    const { code, envelope } = await run('request', '-f', file, '--json')
    expect(code).toBe(4)
    expect(envelope()).toMatchObject({ error_code: 'CONFIG_INVALID', place: { file, line: 2, field: 'rows' } })
    writeFileSync(file, 'generator: ckd-2027\nrow: 1\n')
    expect((await run('request', '-f', file, '--json')).envelope().place).toMatchObject({ line: 2, field: 'row' })
    writeFileSync(file, 'generator: [\n')
    expect((await run('request', '-f', file, '--json')).envelope()).toMatchObject({ error_code: 'CONFIG_INVALID' })
    expect((await run('request', '-f', join(at.home, 'none.yaml'))).code).toBe(1)
  })

  it('names what is lacking before anything is sent', async () => {
    const { code, err } = await run('request', 'ckd-2027', '--format', 'csv')
    expect(code).toBe(4)
    expect(err).toContain('lacks -n, --purpose')
    expect((await run(...words, '--format', 'xml')).code).toBe(4)
    expect(at.server.asked).toEqual([])
  })

  it('--wait returns the finished request', async () => {
    at.server.routes.set('POST /v1/requests', answer(requestSchema, requestView(), 201))
    const { code, err, envelope } = await run(...words, '--wait', '--json')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(envelope().data).toMatchObject({ state: 'done', release: releaseId })
  })
})

it('nothing that was printed or stored for others to read held the token', () => {
  expect(existsSync(join(at.home, 'credentials.json'))).toBe(true)
  const pending = join(at.home, 'pending-requests')
  const names = readdirSync(pending)
  expect(names.length).toBeGreaterThan(0)
  for (const name of names) {
    expect(name).toMatch(/^[0-9a-f]{64}\.json$/)
    expect(readFileSync(join(pending, name), 'utf8')).not.toContain(token)
  }
})
