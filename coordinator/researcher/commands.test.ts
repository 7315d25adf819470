import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { problem, requestId, ResearchersServer, token } from '../../test/harness/researchers-server.ts'
import { researcherProgram, tributary } from '../../test/harness/tributary.ts'

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
    ['cancel', requestId, '--delete-release'],
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

  it.each(commandNames)('%s --help --json: the help as data', async (name) => {
    const { code, err, envelope } = await run(name, '--help', '--json')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(envelope()).toMatchObject({ status: 'ok', data: { help: expect.stringContaining(`tributary ${name}`) } })
  })

  it.each(calls)('%s %s: an answer may have gained keys', async (...words) => {
    for (const [route, handler] of server.routes)
      server.routes.set(route, (asked, response) => {
        const end = response.end.bind(response)
        const more = (body: unknown) => {
          const isJson = String(response.getHeader('content-type')).startsWith('application/json')
          if (!isJson) return end(body)
          const value = JSON.parse(String(body)) as object
          return end(JSON.stringify({ ...value, from_the_future: { some: 'thing' } }))
        }
        handler(asked, Object.assign(response, { end: more }))
      })
    const target = words[0] === 'download' ? ['--out', join(home, 'future')] : []
    const { code, err } = await run(...words, ...target, '--json')
    expect({ code, err }).toEqual({ code: 0, err: '' })
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
