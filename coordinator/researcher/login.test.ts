import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fingerprint, generateIdentity } from '@tributary/shared/wire/signed'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { problem, ResearchersServer, token } from '../../test/harness/researchers-server.ts'
import { tributary } from '../../test/harness/tributary.ts'
import { createAuthority, openAuthority } from '../enrolment/certificate-authority.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-login-'))
const tokenFile = join(folder, 'token.txt')
writeFileSync(tokenFile, `${token}\n`)
let server: ResearchersServer
let home = ''
beforeAll(async () => {
  server = await ResearchersServer.start()
})
beforeEach(() => {
  server.reset()
  home = mkdtempSync(join(folder, 'home-'))
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

const login = (...more: string[]) =>
  tributary({ home })('login', '--server', server.url, '--token-file', tokenFile, ...more)
const credentials = () => join(home, 'credentials.json')

it('keeps server, token and signing key for the owner alone, and shows no token', async () => {
  const { code, out, err } = await login()
  expect(code).toBe(0)
  expect(out).toContain('ada (researcher)')
  expect(out).toContain(server.fingerprint)
  expect(err).toContain('compare its fingerprint with the operator by telephone')
  expect(err).toContain('next: tributary catalog')
  expect(JSON.parse(readFileSync(credentials(), 'utf8'))).toMatchObject({ token, signing_key: server.fingerprint })
  for (const name of readdirSync(home)) expect(statSync(join(home, name)).mode & 0o777).toBe(0o600)
  expect(out + err).not.toContain(token)
})

it('prints one envelope with --json, and whoami agrees', async () => {
  const { code, err, envelope } = await login('--json')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(envelope()).toMatchObject({ status: 'ok', data: { user: 'ada', key: 'new', next: 'tributary catalog' } })
  expect((await login('--json')).envelope().data).toMatchObject({ key: 'known' })
  const who = await tributary({ home })('whoami', '--json')
  expect(who.envelope().data).toMatchObject({ user: 'ada', server: server.url, signing_key: server.fingerprint })
})

it('takes the token from a pipe or the environment, never from a terminal', async () => {
  const words = ['login', '--server', server.url]
  expect(await tributary({ home, input: `${token}\n` })(...words, '--token-file', '-')).toMatchObject({ code: 0 })
  expect(await tributary({ home, environment: { TRIBUTARY_TOKEN: token } })(...words)).toMatchObject({ code: 0 })
  expect(await tributary({ home, input: null })(...words, '--token-file', '-')).toMatchObject({ code: 4 })
  expect(await tributary({ home })(...words)).toMatchObject({ code: 4 })
  expect(await tributary({ home, input: 'two words' })(...words, '--token-file', '-')).toMatchObject({ code: 4 })
  expect(await tributary({ home })(...words, '--token-file', join(folder, 'none'))).toMatchObject({ code: 1 })
})

it('a refused token is kept nowhere and named nowhere', async () => {
  const guess = tributary({ home, input: 'another-token' })
  const { code, out, err } = await guess('login', '--server', server.url, '--token-file', '-')
  expect(code).toBe(2)
  expect(err).toMatch(/error LOGIN_REFUSED: .*\n {2}hint: /)
  expect(out).toBe('')
  expect(err).not.toContain('another-token')
  expect(readdirSync(home)).toEqual([])
})

it('a changed signing key gets no token unless its first 8 digits are typed', async () => {
  await login()
  const fresh = generateIdentity()
  server.showKey(fresh)
  server.asked.length = 0
  const { code, err } = await login()
  expect(code).toBe(1)
  expect(err).toContain('SIGNATURE_INVALID')
  expect(err).toContain(server.fingerprint)
  expect(err).toContain('--accept-new-key')
  expect((await login('--accept-new-key', '00000000')).code).toBe(4)
  expect(server.asked.map(({ path }) => path)).toEqual(['/v1/health', '/v1/health'])
  expect(server.asked.some(({ headers }) => 'authorization' in headers)).toBe(false)

  const digits = fingerprint(fresh.publicKey).slice(0, 9)
  expect((await login('--accept-new-key', digits)).code).toBe(0)
  expect(JSON.parse(readFileSync(credentials(), 'utf8'))).toMatchObject({ signing_key: fingerprint(fresh.publicKey) })
})

it('the known key outlives a logout, the token does not', async () => {
  await login()
  expect((await tributary({ home })('logout')).code).toBe(0)
  for (const name of readdirSync(home)) expect(readFileSync(join(home, name), 'utf8')).not.toContain(token)
  const after = await tributary({ home })('whoami', '--json')
  expect(after.code).toBe(2)
  expect(after.envelope()).toMatchObject({
    error_code: 'LOGIN_REFUSED',
    hint: expect.stringContaining('tributary login'),
  })
  server.showKey(generateIdentity())
  expect((await login()).code).toBe(1)
})

it('a key that is not that of its fingerprint is refused', async () => {
  const { publicKey } = generateIdentity()
  const signing_key = { fingerprint: server.fingerprint, public_key: Buffer.from(publicKey).toString('base64') }
  server.routes.set('GET /v1/health', (_asked, response) => {
    response.end(JSON.stringify({ status: 'ok', version: '0.1.0', federation: 'Rhine', signing_key }))
  })
  expect((await login('--json')).envelope()).toMatchObject({
    error_code: 'PROTOCOL_UNSUPPORTED',
    place: { field: 'signing_key.fingerprint' },
  })
})

it.each([
  'http://tributary.example',
  'http://127.0.0.1.example:7480',
  'http://10.0.0.1',
  'ftp://127.0.0.1',
  'https://ada:secret@tributary.example',
  'https://tributary.example?x=1',
  'tributary.example',
])('the token does not go to %s', async (url) => {
  const { code, err } = await tributary({ home })('login', '--server', url, '--token-file', tokenFile)
  expect(code).toBe(4)
  expect(err).toContain('CONFIG_INVALID')
  expect(err).not.toContain('secret')
})

it('damaged credentials are named, not quoted', async () => {
  await login()
  writeFileSync(credentials(), `{"token": "${token}"`)
  const { code, err } = await tributary({ home })('whoami')
  expect(code).toBe(1)
  expect(err).toMatch(/STATE_CORRUPT[^]*credentials\.json/)
  expect(err).not.toContain(token)
})

it('a token that was removed since is refused with the hint of the server', async () => {
  await login()
  server.routes.set('GET /v1/whoami', problem('LOGIN_REFUSED', 'no such token'))
  const { code, err } = await tributary({ home })('whoami')
  expect(code).toBe(2)
  expect(err).toContain('hint: hint for LOGIN_REFUSED')
})

it('over TLS a private authority is trusted where it was named, and only there', async () => {
  const clock = { now: () => Date.now(), sleep: async () => undefined }
  const files = await createAuthority('Rhine', clock)
  const { certificate: cert, key } = await (await openAuthority(files, clock)).issueServer(['127.0.0.1'])
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, files.certificate)
  const secure = await ResearchersServer.start({ cert, key })
  try {
    const words = ['login', '--server', secure.url, '--token-file', tokenFile]
    const unknown = await tributary({ home })(...words)
    expect(unknown.code).toBe(2)
    expect(unknown.err).toMatch(/error TLS_REFUSED[^]*hint: .*--ca FILE/)
    expect((await tributary({ home })(...words, '--ca', tokenFile)).code).toBe(4)
    expect(await tributary({ home })(...words, '--ca', ca)).toMatchObject({ code: 0 })
    expect(await tributary({ home })('whoami')).toMatchObject({ code: 0 })
  } finally {
    await secure.close()
  }
})
