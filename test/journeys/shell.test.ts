import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type LoggedIn, loggedIn } from '../harness/logged-in.ts'
import { answer, releaseId, requestView } from '../harness/researchers-server.ts'
import { root } from '../harness/sources.ts'
import { requestSchema } from '../../coordinator/api/schemas.ts'

/* Real processes under a real shell: what a pipe, a full disk, a signal and several at once do to `tributary`. */
let at: LoggedIn
let server: LoggedIn['server']
beforeAll(async () => {
  at = await loggedIn()
  server = at.server
})
beforeEach(() => server.reset())
afterAll(() => at.close())

const script = join(root, 'coordinator/cli/tributary.ts')
const tool = `'${process.execPath}' --conditions=source '${script}'`

const shell = (line: string) => {
  const env = { ...process.env, TRIBUTARY_HOME: at.home, NO_COLOR: '1' }
  const child = spawn('bash', ['-c', `set -o pipefail; ${line}`], { env, detached: true })
  const written = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (written.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (written.err += chunk.toString()))
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, ...written })),
  )
  return { child, ended }
}
const sh = (line: string) => shell(line).ended

describe('standard output', () => {
  it.each(['catalog --json', 'catalog', '--help', '--version --json', 'catalog nothing --json'])(
    'a reader that goes away is no error of `tributary %s`',
    async (words) => {
      const { code, err } = await sh(`${tool} ${words} | true`)
      expect(code).toBe(words.includes('nothing') ? 1 : 0)
      expect(err).not.toMatch(/EPIPE|Error:|at /)
    },
  )

  it.each(['probe ckd-2027 --format csv --quiet', 'catalog --json', '--help', 'catalog nothing --json'])(
    'a disk without room is told: `tributary %s > /dev/full`',
    async (words) => {
      const { code, err } = await sh(`${tool} ${words} > /dev/full`)
      expect(code).toBe(1)
      expect(err).toMatch(/error DISK_FULL: standard output cannot be written \(ENOSPC\)\n {2}hint: What was printed/)
      expect(err).not.toMatch(/\n\s+at |node:/)
    },
  )

  it('a disk that has room for the beginning alone is told as well', async () => {
    const file = join(at.home, 'short')
    const { code, err } = await sh(`ulimit -f 1; trap '' XFSZ; ${tool} --help > '${file}'`)
    expect(statSync(file).size).toBeLessThanOrEqual(1024)
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('DISK_FULL') })
    expect((await sh(`${tool} --help > '${file}'`)).code).toBe(0)
    expect(statSync(file).size).toBeGreaterThan(1024)
  })

  it('a stderr that nobody can read changes nothing', async () => {
    expect(await sh(`${tool} whoami 2> /dev/full`)).toMatchObject({ code: 0, out: expect.stringContaining('ada') })
  })
})

describe('a signal', () => {
  const route = `GET /v1/releases/${releaseId}/files/data/cohort.csv`
  /** The command of the line, once the server was asked for the file that never comes. */
  const stalled = async (words: string) => {
    server.routes.set(route, (_asked, response) => {
      response.writeHead(200, { 'content-length': 1000 })
      response.write('a')
    })
    const out = join(at.home, `interrupted-${words.length}`)
    const { child, ended } = shell(`exec ${tool} download 8kq2 --out '${out}' ${words}`)
    while (!server.asked.some(({ path }) => path.endsWith('data/cohort.csv'))) await wait(20)
    return { out, ended, kill: (signal: NodeJS.Signals) => process.kill(child.pid ?? 0, signal) }
  }

  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s under --json: one envelope, exit 130, what was fetched kept',
    async (signal) => {
      const { out, ended, kill } = await stalled(`--json${' '.repeat(signal.length)}`)
      kill(signal)
      const { code, out: stdout, err } = await ended
      expect({ code, err }).toEqual({ code: 130, err: '' })
      expect(JSON.parse(stdout)).toMatchObject({
        schema_version: 1,
        status: 'error',
        error_code: 'INTERRUPTED',
        message: `stopped by ${signal}`,
        hint: expect.stringMatching(/./),
      })
      expect(existsSync(out)).toBe(false)
      expect(readdirSync(`${out}.part`).length).toBeGreaterThan(0)
    },
  )

  it('without --json it ends the process as it ends any other', async () => {
    const { ended, kill } = await stalled('')
    kill('SIGINT')
    expect(await ended).toEqual({ code: null, out: '', err: '' })
  })
})

it('the same order from many commands at once is one request', async () => {
  const made: unknown[] = []
  server.routes.set('POST /v1/requests', (asked, response) => {
    made.push(asked.headers['idempotency-key'])
    answer(requestSchema, requestView(), 201)(asked, response)
  })
  const words = "request ckd-2027 -n 50 --purpose 'many at once' --json"
  const ran = await Promise.all(Array.from({ length: 5 }, () => sh(`${tool} ${words}`)))
  for (const { code, err } of ran) expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(made).toHaveLength(5)
  expect(new Set(made).size).toBe(1)
  expect(readdirSync(join(at.home, 'pending-requests'))).toHaveLength(1)
})
