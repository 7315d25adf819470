import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '@tributary/shared/cli/output'
import { siteId } from '@tributary/shared/ids'
import { systemClock as clock } from '@tributary/shared/system/clock'
import { generateIdentity } from '@tributary/shared/wire/signed'
import { Command } from 'commander'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { addEnrolmentCommands } from './commands.ts'
import { registryPath } from './federation-directory.ts'
import { openSiteRegistry } from './site-registry.ts'

let dataDir = ''
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'tributary-enrolment-'))
  expect(await run('init', '--name', 'Rhine')).toMatchObject({ status: 'ok' })
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
  rmSync(dataDir, { recursive: true })
})

const run = async (...args: string[]) => {
  let out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += text)))
  const program = new Command('coordinator')
  addEnrolmentCommands(program, { clock })
  await runCommand(program, ['node', 'coordinator', ...args, '--data-dir', dataDir, '--json'])
  return JSON.parse(out)
}
const enrol = (name: string) => {
  const registry = openSiteRegistry(registryPath(dataDir))
  const certificate = { serial: name, certificate: `pem ${name}`, expires: clock.now() + 1_000_000 }
  registry.admit(siteId(name), generateIdentity().publicKey, certificate, 1)
  registry.close()
}

describe('invite', () => {
  it('warns what redeeming does to a site that is enrolled or revoked, and nobody else', async () => {
    expect((await run('invite', 'ash')).data).not.toHaveProperty('warning')
    enrol('ash')
    expect((await run('invite', 'ash')).data.warning).toMatch(/^ash is enrolled: .* ends its present certificate/)
    expect((await run('invite', 'birch')).data).not.toHaveProperty('warning')
    await run('revoke', 'ash')
    expect((await run('invite', 'ash')).data.warning).toContain('lets it in again')
  })
})

describe('revoke', () => {
  it('says what it means and what comes next; twice it says so', async () => {
    enrol('ash')
    const first = (await run('revoke', 'ash')).data
    expect(first).toMatchObject({
      state: 'revoked',
      consequence: expect.stringContaining('in the roster still'),
      next: expect.stringMatching(/roster propose .* invite ash/),
    })
    expect((await run('revoke', 'ash')).data).toMatchObject({ state: 'revoked already', next: first.next })
    expect((await run('sites')).data).toMatchObject([{ site: 'ash', state: 'revoked' }])
  })

  it('withdraws an invitation that nobody redeemed, also of a site that is revoked', async () => {
    await run('invite', 'birch')
    expect((await run('revoke', 'birch')).data).toMatchObject({ state: 'invitation withdrawn' })
    expect(await run('revoke', 'birch')).toMatchObject({ error_code: 'NOT_FOUND' })
    expect(await run('revoke', 'cedar')).toMatchObject({
      error_code: 'NOT_FOUND',
      hint: expect.stringContaining('coordinator sites'),
    })
    enrol('ash')
    await run('revoke', 'ash')
    await run('invite', 'ash')
    expect((await run('revoke', 'ash')).data).toMatchObject({ state: 'revoked' })
    expect((await run('revoke', 'ash')).data).toMatchObject({ state: 'revoked already' })
  })
})
