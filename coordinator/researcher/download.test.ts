import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateIdentity } from '@tributary/shared/wire/signed'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { problem, releaseId, requestId, ResearchersServer, token } from '../../test/harness/researchers-server.ts'
import { sha256, signedRelease, writeFiles } from '../../test/harness/signed-release.ts'
import { tributary } from '../../test/harness/tributary.ts'

const home = mkdtempSync(join(tmpdir(), 'tributary-download-'))
const run = tributary({ home, input: token })
let server: ResearchersServer
let files: ReadonlyMap<string, Buffer>
let out = ''
beforeAll(async () => {
  server = await ResearchersServer.start()
  expect((await run('login', '--server', server.url, '--token-file', '-')).code).toBe(0)
})
beforeEach(() => {
  server.reset()
  files = signedRelease(releaseId, server.identity)
  out = join(mkdtempSync(join(home, 'out-')), 'release')
})
afterAll(async () => {
  await server.close()
  rmSync(home, { recursive: true })
})

const download = (...more: string[]) => run('download', '8kq2', '--out', out, ...more)
const fetched = () =>
  server.asked.filter(({ path }) => path.includes('/files/')).map(({ path }) => path.split('/files/')[1])
const route = (name: string) => `GET /v1/releases/${releaseId}/files/${name}`

describe('download', () => {
  it('fetches every file, verifies, and only then lets the folder appear', async () => {
    const { code, out: text, err } = await download()
    expect(code).toBe(0)
    for (const [name, bytes] of files) expect(readFileSync(join(out, name)).equals(bytes)).toBe(true)
    expect(existsSync(`${out}.part`)).toBe(false)
    expect(text).toMatch(/signature ok .* {3}files 8\/8 {3}marks in 6 files {3}SYNTHETIC, release rel-77zz/)
    expect(err).toContain(`next: tributary verify ${out}`)
  })

  it('touches no folder that is there', async () => {
    mkdirSync(out)
    writeFileSync(join(out, 'mine'), 'mine')
    const { code, envelope } = await download('--json')
    expect(code).toBe(1)
    expect(envelope()).toMatchObject({ error_code: 'ALREADY_EXISTS', hint: expect.stringContaining('--out') })
    expect(readdirSync(out)).toEqual(['mine'])
    expect(fetched()).toEqual([])
  })

  const large = 'data/cohort.csv'
  const half = () => files.get(large)!.length >> 1
  /** The first half arrives, then the connection breaks. */
  const breakHalfWay = async () => {
    server.routes.set(route(large), (_asked, response) => {
      const bytes = files.get(large)!
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, half()), () => setTimeout(() => response.destroy(), 50))
    })
    const broken = await download('--json')
    expect(broken.code).toBe(2)
    expect(broken.envelope()).toMatchObject({ error_code: 'UNAVAILABLE', hint: expect.stringContaining('goes on') })
    expect(existsSync(out)).toBe(false)
    server.reset()
    server.serveRelease(files)
  }
  const askedOf = (name: string) =>
    server.asked
      .filter(({ path }) => path.endsWith(`/files/${name}`))
      .map(({ headers }) => ({ range: headers.range, if: headers['if-range'] }))
  const isWhole = () => {
    for (const [name, bytes] of files) expect(readFileSync(join(out, name)).equals(bytes)).toBe(true)
  }

  it('a connection that breaks leaves no folder; the next try goes on at the byte where it stopped', async () => {
    await breakHalfWay()
    expect(readFileSync(join(`${out}.part`, large))).toHaveLength(half())
    const before = [...files.keys()].slice(0, [...files.keys()].indexOf(large))
    expect((await download()).code).toBe(0)
    isWhole()
    expect(askedOf(large)).toEqual([{ range: `bytes=${half()}-`, if: `"${sha256(files.get(large)!)}"` }])
    expect(fetched()).toHaveLength(files.size - before.length)
  })

  it('a server that knows no ranges sends the whole file', async () => {
    await breakHalfWay()
    server.routes.set(route(large), (_asked, response) => void response.end(files.get(large)))
    expect((await download()).code).toBe(0)
    isWhole()
    expect(askedOf(large)).toHaveLength(1)
  })

  it.each([
    ['damaged', (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === 3 ? byte ^ 1 : byte)))],
    ['zeros, as after a power cut', (bytes: Buffer) => Buffer.alloc(bytes.length)],
  ])('what is there and %s is fetched again, all of it', async (_what, spoil) => {
    await breakHalfWay()
    const path = join(`${out}.part`, large)
    writeFileSync(path, spoil(readFileSync(path)))
    expect((await download()).code).toBe(0)
    isWhole()
    expect(askedOf(large).map(({ range }) => range)).toEqual([`bytes=${half()}-`, undefined])
  })

  it('a part that is refused, or another than the one asked for, adds nothing', async () => {
    await breakHalfWay()
    const whole = server.routes.get(route(large))!
    server.routes.set(route(large), (asked, response) =>
      asked.headers.range === undefined
        ? whole(asked, response)
        : problem('RANGE_UNSATISFIABLE', 'too far', undefined, 416)(asked, response),
    )
    expect((await download()).code).toBe(0)
    isWhole()
    rmSync(out, { recursive: true })
    await breakHalfWay()
    server.routes.set(route(large), (_asked, response) => {
      response.writeHead(206, { 'content-range': `bytes 0-9/${files.get(large)!.length}` })
      response.end(files.get(large)!.subarray(0, 10))
    })
    expect((await download('--json')).envelope()).toMatchObject({ error_code: 'PROTOCOL_UNSUPPORTED' })
    expect(existsSync(out)).toBe(false)
  })

  it.each([
    ['changed', (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === 9 ? byte ^ 1 : byte)))],
    ['cut short', (bytes: Buffer) => bytes.subarray(0, 20)],
    ['too long', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('more')])],
  ])('bytes that arrive %s are refused, the file named', async (_what, spoil) => {
    server.serveRelease(new Map([...files, ['report.html', spoil(files.get('report.html')!)]]), files)
    const { code, envelope } = await download('--json')
    expect(code).toBe(1)
    expect(envelope()).toMatchObject({ error_code: 'RELEASE_ALTERED', place: { file: 'report.html' } })
    expect(existsSync(out)).toBe(false)
  })

  it('a server that changes file and listing alike is caught by the signature', async () => {
    const altered = new Map([...files, ['report.html', Buffer.from(`<p>synthetic ${releaseId}</p>`)]])
    server.serveRelease(altered)
    const { code, envelope } = await download('--json')
    expect(code).toBe(1)
    expect(envelope().message).toContain('report.html')
    expect(existsSync(out)).toBe(false)
  })

  it('a release signed by another key than that of the login is refused', async () => {
    server.serveRelease(signedRelease(releaseId, generateIdentity()))
    const { code, envelope } = await download('--json')
    expect(code).toBe(1)
    expect(envelope()).toMatchObject({ error_code: 'RELEASE_ALTERED' })
    expect(existsSync(out)).toBe(false)
  })

  it('another sound release in its place is refused', async () => {
    server.serveRelease(signedRelease('rel-other', server.identity))
    expect((await download('--json')).envelope()).toMatchObject({ error_code: 'RELEASE_ALTERED' })
    expect(existsSync(out)).toBe(false)
  })

  it.each(['../evil', '/etc/evil', 'data/../../evil', '.hidden', 'a\\b', 'data//x'])(
    'a file named %s is never written',
    async (name) => {
      server.serveRelease(new Map([...files, [name, Buffer.from('x')]]))
      expect((await download('--json')).envelope()).toMatchObject({ error_code: 'RELEASE_ALTERED' })
      expect(existsSync(`${out}.part`)).toBe(false)
      expect(fetched()).toEqual([])
    },
  )

  it('a .part folder that holds something else is left alone', async () => {
    writeFiles(`${out}.part`, new Map([['notes.txt', Buffer.from('mine')]]))
    const { code, err } = await download()
    expect(code).toBe(1)
    expect(err).toContain('notes.txt')
    expect(readdirSync(`${out}.part`)).toEqual(['notes.txt'])
  })

  it('a folder that cannot be made is no defect', async () => {
    writeFileSync(join(home, 'file'), '')
    const { code, envelope } = await run('download', '8kq2', '--out', join(home, 'file/release'), '--json')
    expect(code).toBe(4)
    expect(envelope()).toMatchObject({
      error_code: 'CONFIG_INVALID',
      place: { file: expect.stringContaining('release') },
    })
  })

  it('may be asked for by the id of the release', async () => {
    expect((await run('download', releaseId, '--out', out, '--json')).envelope().data).toMatchObject({
      release: releaseId,
      files: files.size,
    })
    expect(server.asked.some(({ path }) => path.includes(requestId))).toBe(false)
  })
})

describe('verify', () => {
  const apart = mkdtempSync(join(home, 'nobody-'))
  const nobody = tributary({ home: apart })

  it('needs no network and no login when the key is named', async () => {
    writeFiles(out, files)
    expect((await nobody('verify', out, '--key', server.fingerprint)).code).toBe(0)
    const digits = server.fingerprint.replaceAll(' ', '').toUpperCase()
    expect((await nobody('verify', out, '--key', digits, '--json')).envelope().data).toMatchObject({
      ok: true,
      signature: 'trusted',
      synthetic: true,
    })
    expect(server.asked).toEqual([])
  })

  it('trusts the key of the login', async () => {
    writeFiles(out, files)
    const { code, out: text } = await run('verify', out)
    expect(code).toBe(0)
    expect(text).toContain(`signature ok (${server.fingerprint})   files 8/8`)
    expect((await run('verify', out, '--key', 'f'.repeat(32))).code).toBe(1)
  })

  it('does not succeed when nobody said whose key it is, and says how to find out', async () => {
    writeFiles(out, files)
    const { code, envelope } = await nobody('verify', out, '--json')
    expect(code).toBe(2)
    expect(envelope()).toMatchObject({
      error_code: 'SIGNER_UNKNOWN',
      message: expect.stringContaining(server.fingerprint),
      hint: expect.stringContaining(`--key '${server.fingerprint}'`),
    })
    expect((await nobody('verify', out, '--key', '1234')).code).toBe(4)
    writeFileSync(join(out, 'report.html'), 'changed')
    expect((await nobody('verify', out, '--json')).envelope()).toMatchObject({ error_code: 'RELEASE_ALTERED' })
  })

  it.each([...signedRelease(releaseId, generateIdentity()).keys()])('finds a changed byte in %s', async (name) => {
    const bytes = Buffer.from(files.get(name)!)
    bytes[bytes.length >> 1]! ^= 1
    writeFiles(out, new Map([...files, [name, bytes]]))
    const { code, out: stdout, err } = await run('verify', out)
    expect(code).toBe(1)
    expect(err).toMatch(/^error RELEASE_ALTERED: /)
    expect(err).toContain(name)
    expect(stdout).toBe('')
  })

  it('finds a file that is missing, one that was added, and a folder that is no release', async () => {
    writeFiles(out, files)
    writeFileSync(join(out, 'added.csv'), 'x')
    expect((await run('verify', out)).err).toContain('added.csv')
    rmSync(join(out, 'added.csv'))
    rmSync(join(out, 'privacy.json'))
    expect((await run('verify', out)).err).toContain('privacy.json')
    expect((await run('verify', join(home, 'none'), '--json')).envelope()).toMatchObject({ error_code: 'NOT_FOUND' })
  })
})
