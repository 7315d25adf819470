import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '@tributary/shared/cli/output'
import { type SiteId, siteId } from '@tributary/shared/ids'
import { encodeManifest, studyIdOf } from '@tributary/shared/study/manifest'
import { delta, epsilon } from '@tributary/shared/units'
import type { FederationHandlers } from '@tributary/shared/wire/federation-api'
import type { Roster } from '@tributary/shared/wire/messages'
import { encodeRoster, rosterHash, signRoster } from '@tributary/shared/wire/roster'
import { generateIdentity, type IdentityKey } from '@tributary/shared/wire/signed'
import { signBody } from '@tributary/shared/wire/body'
import { Command } from 'commander'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { addStudyCommands } from '../../../site-agent/cli/study-commands.ts'
import { openSiteKeys } from '../../../site-agent/enrolment/site-keys.ts'
import { Holdout } from '../../../site-agent/records/holdout.ts'
import { Site } from '../../../site-agent/site.ts'
import { tinyStudy } from '../../harness/tiny-study.ts'
import { clock, startFederation, type TestFederation } from '../link/federation-fixture.ts'

/** An officer who approves two studies with an evaluation, one after the other. */
const ash = siteId('ash')
const evaluation = { patients: 2000, bins: 4, spares: 0 }
const first = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 0, gradient: 0 }, evaluation })
const second = { ...first, name: 'again' }
const identities = new Map<SiteId, IdentityKey>()
let roster: Roster
let federation: TestFederation
let folder: string
let said = ''

beforeAll(async () => {
  const served: Partial<FederationHandlers> = {
    studies: async () =>
      [first, second].map((manifest) => ({
        study: studyIdOf(manifest, rosterHash(roster)),
        manifest: encodeManifest(manifest),
        roster: rosterHash(roster),
        state: 'waiting' as const,
      })),
    roster: async () => ({
      roster: encodeRoster(roster),
      countersignatures: [...identities].map(([site, identity]) =>
        signBody('countersignature', site, { roster: rosterHash(roster) }, identity),
      ),
      signature: signRoster(roster, federation.admin),
    }),
  }
  federation = await startFederation(served)
  const client = await federation.join(ash)
  client.close()
  folder = federation.siteFolder(ash)
  for (const name of ['birch', 'cedar'].map(siteId)) identities.set(name, generateIdentity())
  identities.set(ash, openSiteKeys(folder).identity)
  const members = [...identities].map(([site, { publicKey }]) => ({ site, identity: publicKey }))
  const { coordinatorIdentity: coordinator } = federation.desk
  const admin = federation.admin.publicKey
  members.sort((a, b) => (a.site < b.site ? -1 : 1))
  roster = { federation: 'test', version: 1, admin, coordinator, members, committee: [] }
  const site = new Site(folder, clock)
  const [book, ledger] = [site.openBook(), site.openLedger()]
  book.pinRoster(roster)
  const path = join(folder, 'rows.csv')
  writeFileSync(path, `who,a,b\n${Array.from({ length: 50 }, (_, i) => `p${i},0,1\n`).join('')}`)
  book.addSource({ name: 'rows', path, overrides: {} })
  ledger.setCap({ epsilon: epsilon(10), delta: delta(1e-4) })
  book.close()
  ledger.close()
})
afterAll(() => federation.stop())

const run = async (...args: string[]) => {
  let out = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += text)))
  const program = new Command('site-agent')
  addStudyCommands(program, { clock })
  await runCommand(program, ['node', 'site-agent', 'study', ...args, '--data-dir', folder, '--json'])
  write.mockRestore()
  process.exitCode = undefined
  said += out
  const { data, error_code: error } = JSON.parse(out)
  return { data, error }
}
const approve = async (name: string) => {
  const { data } = await run('show', name)
  expect(data.price.queries.map(({ kind }: { kind: string }) => kind)).toEqual(['marginals', 'gradient', 'scores'])
  return await run('approve', data.study, '--source', 'rows', '--confirm', data.study.slice(0, 8))
}
const keyPath = () => join(folder, 'holdout-key')
const heldOut = () => {
  const holdout = new Holdout(readFileSync(keyPath()))
  return Array.from({ length: 500 }, (_, i) => `p${i}`).filter((key) => holdout.isHeldOut(key))
}

it('R22 approval: the first study with an evaluation makes the holdout key, the next one uses it; losing it stops them', async () => {
  expect(existsSync(keyPath())).toBe(false)
  expect((await approve('tiny')).error).toBeUndefined()
  expect(statSync(keyPath()).mode & 0o777).toBe(0o600)
  const chosen = heldOut()
  renameSync(keyPath(), join(folder, 'aside'))
  expect((await approve('again')).error).toBe('HOLDOUT_LOST')
  expect(existsSync(keyPath())).toBe(false)
  // Nothing was set aside for the study that was refused.
  const ledger = new Site(folder, clock).openLedger()
  expect(ledger.spent().studies.map(({ name }) => name)).toEqual(['tiny'])
  ledger.close()
  renameSync(join(folder, 'aside'), keyPath())
  expect((await approve('again')).error).toBeUndefined()
  expect(heldOut()).toEqual(chosen)
})

it('R22 holdout: the key is in no output, no log and no other file of the data directory', () => {
  const secret = readFileSync(keyPath())
  const forms = [secret.toString('latin1'), secret.toString('hex'), secret.toString('base64')]
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name !== 'holdout-key')
  const texts = files.flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isFile() ? [[name, readFileSync(path, 'latin1')] as const] : []
  })
  expect(texts.map(([name]) => name)).toContain('ledger.sqlite')
  for (const form of forms) {
    expect(said).not.toContain(form)
    expect(texts.filter(([, text]) => text.includes(form)).map(([name]) => name)).toEqual([])
  }
  rmSync(keyPath())
})
