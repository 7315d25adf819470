import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  answer,
  problem,
  releaseId,
  requestId,
  ResearchersServer,
  requestView,
  token,
} from '../../test/harness/researchers-server.ts'
import { researcherProgram, tributary } from '../../test/harness/tributary.ts'
import { generatorsSchema, requestSchema } from '../api/schemas.ts'

const home = mkdtempSync(join(tmpdir(), 'tributary-commands-'))
const run = tributary({ home, input: token })
let server: ResearchersServer
beforeAll(async () => {
  server = await ResearchersServer.start()
  expect((await run('login', '--server', server.url, '--token-file', '-')).code).toBe(0)
})
beforeEach(() => server.reset())
afterAll(async () => {
  await server.close()
  rmSync(home, { recursive: true })
})

const commandNames = researcherProgram({ home }).commands.map((command) => command.name())
const lastBody = (path: string) => server.asked.findLast((asked) => asked.path.endsWith(path))?.body

describe('every command', () => {
  it.each(commandNames)('%s: the help starts with an example', async (name) => {
    const { code, out } = await run(name, '--help')
    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(`^ {2}\\$ tributary ${name}\\b`))
    expect(out).toContain('--quiet')
  })

  const calls: [string, ...string[]][] = [
    ['whoami'],
    ['catalog'],
    ['catalog', 'ckd-2027'],
    ['probe', 'ckd-2027'],
    ['plan', 'ckd-2027', '-n', '5000'],
    ['request', 'ckd-2027', '-n', '5', '--purpose', 'test'],
    ['status'],
    ['status', requestId],
    ['report', requestId],
    ['download', requestId, '--out', join(home, 'json')],
  ]
  it.each(calls)('%s %s: one envelope, the next command, nothing else on stdout', async (...words) => {
    const { code, err, envelope } = await run(...words, '--json')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(envelope()).toMatchObject({ schema_version: 1, status: 'ok', data: { next: expect.any(String) } })
  })

  it.each(calls)('%s %s: without the coordinator, exit code 2 and a hint', async (...words) => {
    const apart = mkdtempSync(join(home, 'apart-'))
    const file = JSON.parse(readFileSync(join(home, 'credentials.json'), 'utf8')) as object
    writeFileSync(join(apart, 'credentials.json'), JSON.stringify({ ...file, server: 'http://127.0.0.1:9' }))
    const { code, err, envelope } = await tributary({ home: apart })(...words, '--json')
    expect({ code, err }).toEqual({ code: 2, err: '' })
    expect(envelope()).toMatchObject({ status: 'error', error_code: 'UNAVAILABLE', hint: expect.stringMatching(/./) })
  })

  it('--quiet leaves results and warnings, and no notices', async () => {
    const { out, err } = await run('probe', 'ckd-2027', '--quiet')
    expect(out).toContain('61')
    expect(err).toBe('warning Synthetic: no row is a patient.\n')
  })
})

describe('answers that are no success', () => {
  it.each([
    ['CONDITION_INVALID', 4],
    ['NOT_FOUND', 1],
    ['TOO_MANY_REQUESTS', 1],
    ['LOGIN_REFUSED', 2],
    ['UNAVAILABLE', 2],
    ['DEADLINE_PASSED', 3],
    ['BUDGET_EXCEEDED', 6],
    ['INTERNAL', 5],
  ])('%s exits with %d, with its message, place and hint', async (code, exit) => {
    server.routes.set('GET /v1/generators', problem(code, 'it says why', 'where', 400))
    const ran = await run('catalog', '--json')
    expect(ran.code).toBe(exit)
    expect(ran.envelope()).toEqual({
      schema_version: 1,
      status: 'error',
      error_code: code,
      message: 'it says why',
      place: { field: 'where' },
      hint: `hint for ${code}`,
    })
    const { out, err } = await run('catalog')
    expect({ out, err }).toEqual({ out: '', err: `error ${code}: it says why\n  at where\n  hint: hint for ${code}\n` })
  })

  const failing = async (status: number, body: string, headers = {}) => {
    server.routes.set('GET /v1/generators', (_asked, response) => {
      response.writeHead(status, headers)
      response.end(body)
    })
    const { code, envelope } = await run('catalog', '--json')
    expect(envelope().hint).toMatch(/./)
    return `${envelope().error_code} ${code}`
  }

  it('an unknown code, another shape, another server', async () => {
    server.routes.set('GET /v1/generators', problem('FROM_THE_FUTURE', 'new', undefined, 409))
    expect((await run('catalog', '--json')).envelope()).toMatchObject({
      error_code: 'PROTOCOL_UNSUPPORTED',
      message: expect.stringContaining('FROM_THE_FUTURE'),
    })
    expect(await failing(200, '{"generators": [{"generator": 1}]}')).toBe('PROTOCOL_UNSUPPORTED 1')
    expect(await failing(200, '<html>')).toBe('PROTOCOL_UNSUPPORTED 1')
    expect(await failing(404, '<html>')).toBe('PROTOCOL_UNSUPPORTED 1')
    expect(await failing(502, 'bad gateway')).toBe('UNAVAILABLE 2')
  })

  it('a redirect is not followed with the token', async () => {
    const other = await ResearchersServer.start()
    expect(await failing(307, '', { location: `${other.url}/v1/generators` })).toBe('PROTOCOL_UNSUPPORTED 1')
    expect(other.asked).toEqual([])
    await other.close()
  })

  it('a server that says nothing: exit code 3 after --timeout', async () => {
    server.routes.set('GET /v1/generators', () => undefined)
    const { code, envelope } = await run('catalog', '--timeout', '0.1', '--json')
    expect(code).toBe(3)
    expect(envelope()).toMatchObject({ error_code: 'DEADLINE_PASSED', hint: expect.stringContaining('--timeout') })
    expect((await run('catalog', '--timeout', 'soon')).code).toBe(4)
  })

  it('escape sequences of a server do not reach the terminal', async () => {
    server.routes.set('GET /v1/generators', problem('NOT_FOUND', 'a\u001b[2Jb\u009b1m'))
    expect((await run('catalog')).err).toContain('a [2Jb 1m')
  })
})

describe('catalog', () => {
  it('lists the generators as a table', async () => {
    const { out } = await run('catalog')
    const [titles, first] = out.split('\n')
    expect(titles).toMatch(/^generator +sites +patients +unit +epsilon/)
    expect(first).toMatch(/^ckd-2027 +3 +12,345 +patient +1 +1\.3/)
  })

  it('shows one with its variables in order, epsilon in words and the estimand', async () => {
    const { out } = await run('catalog', 'c0ffee')
    for (const part of [
      /estimand +the mean over hospitals/,
      /epsilon +1 to the public, 1\.3 to another hospital/,
      /odds, public +50 % before -> at most 73 % after/,
      /age +weighted +may be +whole number, 18 to 99, in 3 bins\ndiabetes +exact +never +no \| yes/,
    ])
      expect(out).toMatch(part)
  })

  it('a name may be shortened while it is the only one', async () => {
    expect((await run('catalog', 'ckd-2', '--json')).envelope()).toMatchObject({
      error_code: 'ID_MALFORMED',
      message: expect.stringMatching(/c0ffee0+, c0ffff0+/),
    })
    const none = await run('catalog', 'nothing', '--json')
    expect(none.code).toBe(1)
    expect(none.envelope().message).toContain('ckd-2027, ckd-2028')
    server.routes.set('GET /v1/generators', answer(generatorsSchema, { generators: [] }))
    expect((await run('catalog')).out).toBe('(none yet)\n')
  })
})

describe('probe', () => {
  it('aligns the rows, and says on stderr that they are synthetic', async () => {
    const { out, err } = await run('probe', 'ckd-2027', '--where', 'age > 6', '-n', '2', '--seed', '3')
    expect(out).toBe('age  note\n 61  plain\n  7  a "quoted", cell\n')
    expect(err).toContain('Synthetic: no row is a patient.')
    expect(err).toContain("next: tributary plan ckd-2027 -n 5000 --where 'age > 6'")
    expect(lastBody('/probe')).toEqual({ rows: 2, seed: 3, where: 'age > 6' })
  })

  it('writes CSV that every hospital refuses as a source, or JSON', async () => {
    const { out } = await run('probe', 'ckd-2027', '--format', 'csv')
    expect(out).toBe('age,note,_synthetic_release\n61,plain,probe\n7,"a ""quoted"", cell",probe\n')
    expect((await run('probe', 'ckd-2027', '--format', 'json')).envelope().data).toMatchObject({
      columns: ['age', 'note'],
    })
    expect((await run('probe', 'ckd-2027', '--format', 'xml')).code).toBe(4)
    expect((await run('probe', 'ckd-2027', '-n', '1.5')).code).toBe(4)
  })
})

it('plan shows support, draws, effective sample size, warnings, no cost and the request to make', async () => {
  const { out, err } = await run('plan', 'ckd-2027', '-n', '5_000', '--where', 'age>=60')
  for (const part of [
    /where +age >= 60/,
    /support +8\.1 % of generated people match \(standard error 0\.12 %\), about 1,000 of the patients promised/,
    /rows +5,000, seed 7, from 61,728 draws/,
    /ESS +3,870 of 5,000 \(largest weight 3\.21\)/,
    /handling +weighted: .*\(age weighted\)/,
    /warn +age above 90.*\[SUPPORT_THIN\]/,
    /cost +privacy 0/,
  ])
    expect(out).toMatch(part)
  expect(err).toContain("next: tributary request ckd-2027 -n 5000 --where 'age >= 60' --seed 7 --purpose TEXT --wait")
  expect(lastBody('/plan')).toEqual({ rows: 5000, where: 'age>=60' })
})

describe('status', () => {
  it('lists, or shows one by the beginning of its id', async () => {
    expect((await run('status')).out).toMatch(
      /request +state +generator.*\nreq-8kq2a+ +done +ckd-2027 +5,000 +age >= 60/,
    )
    for (const id of ['req-8k', '8kq2', 'rel-77', '77z', requestId])
      expect((await run('status', id, '--json')).envelope().data).toMatchObject({ request: requestId })
    server.showRequest()
    server.routes.set(`GET /v1/requests/8k`, problem('NOT_FOUND', 'no such request'))
    expect((await run('status', '8k', '--json')).envelope()).toMatchObject({ error_code: 'NOT_FOUND' })
    expect((await run('status')).out).toBe('(none)\n')
  })

  it('--wait returns when it is done, through a restart of the coordinator, and says how far it is', async () => {
    const running = requestView({ state: 'running', rows_done: 1200 })
    server.showRequest(
      requestView(),
      ...Array.from({ length: 9 }, () => running),
      requestView({ state: 'done', release: releaseId }),
    )
    const shown = server.routes.get(`GET /v1/requests/${requestId}`)
    let questions = 0
    server.routes.set(`GET /v1/requests/${requestId}`, (asked, response) =>
      ++questions === 3 ? problem('UNAVAILABLE')(asked, response) : shown?.(asked, response),
    )
    const { code, out, err } = await run('status', '8kq2', '--wait')
    expect(code).toBe(0)
    expect(out).toMatch(/state +done/)
    expect(err).toContain(`request ${requestId}  running  1,200 of 5,000 rows\n`)
    expect(err).toContain(`tributary download ${requestId} --out DIR`)
  })

  it('--wait tells why a request failed, with the exit code of that', async () => {
    const error = { error_code: 'SUPPORT_TOO_SMALL', message: 'nobody matches', hint: 'Ask for more people.' }
    server.showRequest(requestView(), requestView({ state: 'failed', error }))
    const { code, envelope } = await run('status', '8kq2', '--wait', '--json')
    expect(envelope()).toMatchObject({ ...error, message: expect.stringContaining('nobody matches') })
    expect(code).toBeGreaterThan(0)
  })

  it('--wait gives up after --timeout, or when the coordinator stays away', async () => {
    server.showRequest(requestView())
    server.routes.set(`GET /v1/requests/${requestId}`, () => undefined)
    const late = await run('status', '8kq2', '--wait', '--timeout', '0.2', '--json')
    expect(late.code).toBe(3)
    expect(late.envelope()).toMatchObject({
      error_code: 'DEADLINE_PASSED',
      hint: expect.stringContaining('nothing is lost'),
    })
    server.routes.set(`GET /v1/requests/${requestId}`, (_asked, response) => void response.destroy())
    expect((await run('status', '8kq2', '--wait')).code).toBe(2)
    expect((await run('status', '--wait')).code).toBe(4)
  })
})

describe('report', () => {
  it('tells the summary, and passes all of it through with --json', async () => {
    const { out } = await run('report', '8kq2')
    for (const part of [
      /SYNTHETIC +release rel-77zz/,
      /verdict +usable: Most cells are known\.\n +Pairs are coarser\./,
      /epsilon 1 public, 1\.3 to a site; delta 1e-6; unit = one patient/,
      /fidelity +118 of 120 cells/,
      /not for +decisions about a patient/,
    ])
      expect(out).toMatch(part)
    expect((await run('report', '8kq2', '--json')).envelope().data).toMatchObject({ tributary: 'report/1' })
  })

  it('saves the page, and never over another file', async () => {
    const file = join(home, 'report.html')
    expect((await run('report', '8kq2', '--html', file)).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toContain('SYNTHETIC')
    writeFileSync(file, 'mine')
    expect((await run('report', '8kq2', '--html', file)).code).toBe(1)
    expect(readFileSync(file, 'utf8')).toBe('mine')
    expect((await run('report', '8kq2', '--html', join(home, 'new/r.html'))).code).toBe(0)
    expect((await run('report', '8kq2', '--html', join(file, 'r.html'))).code).toBe(4)
  })

  it('of a request that is not done says what to wait for; of one that failed, why', async () => {
    server.showRequest(requestView({ state: 'running' }))
    expect((await run('report', '8kq2', '--json')).envelope()).toMatchObject({
      error_code: 'NOT_FOUND',
      hint: `Run \`tributary status ${requestId} --wait\` first.`,
    })
    const error = { error_code: 'SUPPORT_TOO_SMALL', message: 'nobody matches', hint: 'Ask for more.' }
    server.showRequest(requestView({ state: 'failed', error }))
    expect((await run('report', '8kq2', '--json')).envelope()).toMatchObject({ hint: 'Ask for more.' })
    expect((await run('status', '8kq2')).out).toContain('failed: SUPPORT_TOO_SMALL, nobody matches')
  })
})

describe('request', () => {
  const words = ['request', 'ckd-2027', '-n', '5000', '--where', 'age >= 60', '--seed', '7', '--purpose', 'sample size']
  const keys = () =>
    server.asked.filter(({ method }) => method === 'POST').map(({ headers }) => headers['idempotency-key'])

  it('sends the order and prints the next command', async () => {
    const { code, out, err } = await run(...words, '--format', 'csv')
    expect(code).toBe(0)
    expect(out).toMatch(/request +req-8kq2a+\nstate +queued/)
    expect(err).toContain(`next: tributary status ${requestId} --wait`)
    expect(lastBody('/requests')).toEqual({
      generator: 'c0ffee'.padEnd(64, '0'),
      rows: 5000,
      where: 'age >= 60',
      seed: 7,
      purpose: 'sample size',
      formats: ['csv'],
    })
  })

  it('a lost answer and the same command again make one request; after an answer it is a new one', async () => {
    const accept = server.routes.get('POST /v1/requests')!
    server.routes.set('POST /v1/requests', (_asked, response) => void response.destroy())
    const lost = await run(...words, '--json')
    expect(lost.code).toBe(2)
    expect(lost.envelope().hint).toContain('Run the same command again')
    server.routes.set('POST /v1/requests', () => undefined)
    expect((await run(...words, '--timeout', '0.2')).code).toBe(3)
    server.routes.set('POST /v1/requests', accept)
    expect((await run(...words)).code).toBe(0)
    expect((await run(...words)).code).toBe(0)
    server.routes.set('POST /v1/requests', problem('CONDITION_INVALID'))
    expect((await run(...words)).code).toBe(4)
    expect((await run(...words)).code).toBe(4)
    const [first, again, accepted, next, refused, refusedAgain] = keys()
    expect(first).toMatch(/^[0-9a-f-]{36}$/)
    expect([again, accepted]).toEqual([first, first])
    expect(new Set([first, next, refused, refusedAgain]).size).toBe(4)
  })

  it('another order has another key, whatever became of the first', async () => {
    server.routes.set('POST /v1/requests', (_asked, response) => void response.destroy())
    await run(...words)
    await run(...words, '--seed', '8')
    expect(new Set(keys()).size).toBe(2)
  })

  it('reads a file, over which options win, and names its lines', async () => {
    const file = join(home, 'request.yaml')
    writeFileSync(file, 'generator: ckd-2027\nrows: 10\npurpose: from the file\nformats: [csv]\n')
    expect((await run('request', '-f', file, '-n', '20')).code).toBe(0)
    expect(lastBody('/requests')).toMatchObject({ rows: 20, purpose: 'from the file', formats: ['csv'] })
    writeFileSync(file, 'generator: ckd-2027\nrows: many\n')
    const { code, envelope } = await run('request', '-f', file, '--json')
    expect(code).toBe(4)
    expect(envelope()).toMatchObject({ error_code: 'CONFIG_INVALID', place: { file, line: 2, field: 'rows' } })
    writeFileSync(file, 'generator: ckd-2027\nrow: 1\n')
    expect((await run('request', '-f', file, '--json')).envelope().place).toMatchObject({ line: 2, field: 'row' })
    writeFileSync(file, 'generator: [\n')
    expect((await run('request', '-f', file, '--json')).envelope()).toMatchObject({ error_code: 'CONFIG_INVALID' })
    expect((await run('request', '-f', join(home, 'none.yaml'))).code).toBe(1)
  })

  it('names what is lacking before anything is sent', async () => {
    const { code, err } = await run('request', 'ckd-2027', '--format', 'csv')
    expect(code).toBe(4)
    expect(err).toContain('lacks -n, --purpose')
    expect((await run(...words, '--format', 'xml')).code).toBe(4)
    expect(server.asked).toEqual([])
  })

  it('--wait returns the finished request', async () => {
    server.routes.set('POST /v1/requests', answer(requestSchema, requestView(), 201))
    const { code, err, envelope } = await run(...words, '--wait', '--json')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(envelope().data).toMatchObject({ state: 'done', release: releaseId })
  })
})

it('nothing that was printed or stored for others to read held the token', () => {
  expect(existsSync(join(home, 'credentials.json'))).toBe(true)
  expect(readFileSync(join(home, 'pending-requests.json'), 'utf8')).not.toContain(token)
})
