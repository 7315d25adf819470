import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '@tributary/shared/cli/output'
import { Command } from 'commander'
import { pino } from 'pino'
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest'
import { addEnrolmentCommands as addCoordinator, durationMs } from '../../../coordinator/enrolment/commands.ts'
import { enrolWith } from '../../../coordinator/enrolment/enrol.ts'
import { openFederation } from '../../../coordinator/enrolment/federation-directory.ts'
import { openSiteRegistry } from '../../../coordinator/enrolment/site-registry.ts'
import { startServer } from '../../../coordinator/link/server.ts'
import { addEnrolmentCommands as addSite } from '../../../site-agent/enrolment/commands.ts'
import { requireVolatile } from '../../../site-agent/policy/volatile-mark.ts'
import { clock } from './federation-fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-commands-'))
const [coordinatorDir, siteDir] = [join(folder, 'coordinator'), join(folder, 'north')]
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let out = ''
beforeEach(() => {
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += text)))
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

/** One command line with --json; its data, or its error code. */
const run = async (add: typeof addSite, dataDir: string, ...args: string[]) => {
  const program = new Command('tool')
  add(program, { clock })
  out = ''
  process.exitCode = undefined
  await runCommand(program, ['node', 'tool', ...args, '--data-dir', dataDir, '--json'])
  const { data, error_code, message, hint, place } = JSON.parse(out)
  return { data, error: error_code, message, hint, place, exit: process.exitCode ?? 0 }
}

it('init, invite, enrol, sites, revoke: the way an operator and a hospital go', async () => {
  const made = await run(addCoordinator, coordinatorDir, 'init', '--name', 'Rhine', '--listen', '127.0.0.1:0')
  expect(made.data).toMatchObject({ federation: 'Rhine', ca_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect(await run(addCoordinator, coordinatorDir, 'init', '--name', 'Rhine')).toMatchObject({
    error: 'ALREADY_EXISTS',
  })

  const federation = await openFederation(coordinatorDir, clock)
  const registry = openSiteRegistry(federation.registryPath)
  const { authority, server: files } = federation
  const desk = { federation: 'Rhine', coordinatorIdentity: federation.identity.publicKey, authority, registry, clock }
  const handlers = { enrol: enrolWith(desk) } as unknown as Parameters<typeof startServer>[0]['handlers']
  const unused = async () => {}
  const bound = ['countersign', 'approve', 'putBoxKeys', 'check', 'answer', 'openDeal', 'openBox', 'withdraw']
  const rest = bound.map((name) => [name, unused])
  const server = await startServer({
    address: federation.listen,
    certificate: files.certificate,
    key: files.key,
    clientCa: authority.certificate,
    handlers: { ...handlers, ...Object.fromEntries(rest) },
    clock,
    log: pino({ level: 'silent' }),
    isRevoked: registry.isRevoked,
    isEnrolled: registry.isEnrolled,
    heard: registry.heard,
  })

  // The invitation is written by another connection to the same file, as another process would.
  const invited = await run(addCoordinator, coordinatorDir, 'invite', 'north', '--expires', '90m')
  expect(invited.data.ca_sha256).toBe(made.data.ca_sha256)
  const tokenFile = join(folder, 'token')
  writeFileSync(tokenFile, `${invited.data.token}\n`)
  const enrol = ['enrol', '--coordinator', server.address, '--token-file', tokenFile]
  expect(await run(addSite, siteDir, ...enrol, '--ca-sha256', made.data.ca_sha256)).toMatchObject({
    error: 'NOT_FOUND',
  })
  const site = await run(addSite, siteDir, 'init', '--name', 'north')
  const wrong = await run(addSite, siteDir, ...enrol, '--ca-sha256', 'ab'.repeat(32))
  expect(wrong).toMatchObject({ error: 'TLS_REFUSED', exit: 2 })
  const enrolled = await run(addSite, siteDir, ...enrol, '--ca-sha256', made.data.ca_sha256)
  expect(enrolled.data).toMatchObject({
    federation: 'Rhine',
    coordinator_fingerprint: made.data.coordinator_fingerprint,
  })

  // R4: a backup taken right now, without volatile/, is known as one when it is put back.
  const backup = join(folder, 'north-backup')
  cpSync(siteDir, backup, { recursive: true, filter: (from) => !from.endsWith('volatile') })
  expect(() => requireVolatile(siteDir)).not.toThrow()
  expect(() => requireVolatile(backup)).toThrow(expect.objectContaining({ code: 'VOLATILE_LOST' }))
  expect(await run(addSite, backup, ...enrol, '--ca-sha256', made.data.ca_sha256)).toMatchObject({
    error: 'VOLATILE_LOST',
  })

  const [row] = (await run(addCoordinator, coordinatorDir, 'sites')).data
  expect(row).toMatchObject({ site: 'north', state: 'enrolled', fingerprint: site.data.fingerprint })
  expect((await run(addCoordinator, coordinatorDir, 'revoke', 'north')).exit).toBe(0)
  expect((await run(addCoordinator, coordinatorDir, 'ls')).data[0].state).toBe('revoked')
  expect(await run(addCoordinator, coordinatorDir, 'revoke', 'south')).toMatchObject({ error: 'NOT_FOUND', exit: 1 })
  await server.stop()
  registry.close()
})

it('the token comes from a file, stdin or the environment only', async () => {
  const enrol = ['enrol', '--coordinator', 'x:1', '--ca-sha256', 'ab'.repeat(32)]
  expect(await run(addSite, siteDir, ...enrol)).toMatchObject({ error: 'ARGUMENT_INVALID', exit: 4 })
  expect(await run(addSite, siteDir, ...enrol, '--token', 'secret')).toMatchObject({ error: 'ARGUMENT_INVALID' })
  expect(out).not.toContain('secret')
  expect(await run(addSite, siteDir, 'init', '--name', 'Not A Name')).toMatchObject({ error: 'ID_MALFORMED', exit: 4 })
})

it('what is mistyped names its option, and a second init advises to go on', async () => {
  for (const given of ['ab'.repeat(31), 'zz'.repeat(32), ''])
    expect(await run(addSite, siteDir, 'enrol', '--coordinator', 'x:1', '--ca-sha256', given)).toMatchObject({
      error: 'ID_MALFORMED',
      message: expect.stringContaining('--ca-sha256'),
      place: { field: '--ca-sha256' },
    })
  const again = await run(addSite, siteDir, 'init', '--name', 'north')
  expect(again).toMatchObject({ error: 'ALREADY_EXISTS', hint: expect.stringContaining('Go on with them') })
  expect(again.hint).not.toMatch(/remove/)
  const coordinator = await run(addCoordinator, coordinatorDir, 'init', '--name', 'Rhine')
  expect(coordinator).toMatchObject({ error: 'ALREADY_EXISTS', hint: expect.not.stringMatching(/remove/) })
})

it('durations have a unit and an end', () => {
  expect([durationMs('90m'), durationMs('72h'), durationMs('7d')]).toEqual([5_400_000, 259_200_000, 604_800_000])
  for (const text of ['0h', '31d', '72', 'h', '-1h', '1.5h']) {
    expect(() => durationMs(text)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
  }
})
