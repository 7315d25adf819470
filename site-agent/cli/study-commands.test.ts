import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '@tributary/shared/cli/output'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { type SiteId, siteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { encodeManifest, type Manifest, studyIdOf } from '@tributary/shared/study/manifest'
import { delta, epsilon } from '@tributary/shared/units'
import { signBody } from '@tributary/shared/wire/body'
import type { Roster } from '@tributary/shared/wire/messages'
import { encodeRoster, rosterHash, signRoster } from '@tributary/shared/wire/roster'
import { generateIdentity, type IdentityKey } from '@tributary/shared/wire/signed'
import { Command } from 'commander'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createInsecureRing } from '../../test/harness/insecure-ring.ts'
import { tinyStudy } from '../../test/harness/tiny-study.ts'
import { clock, startFederation, type TestFederation } from '../../test/unit/link/federation-fixture.ts'
import { Agent } from '../agent.ts'
import { readEnrolmentRecord, writeEnrolmentRecord } from '../enrolment/enrolment-record.ts'
import { openSiteKeys } from '../enrolment/site-keys.ts'
import { Site } from '../site.ts'
import { SealingWork } from '../update/sealing-work.ts'
import { addStudyCommands } from './study-commands.ts'

const ash = siteId('ash')
const others = new Map<SiteId, IdentityKey>(
  ['birch', 'cedar', 'date'].map((name) => [siteId(name), generateIdentity()]),
)
const plan = (steps: number) => tinyStudy({ sites: 3, least: 3, steps, spares: { marginals: 1, gradient: 2 } })
const manifest = plan(1)
let federation: TestFederation
let folder = ''
let roster: Roster
let offers: { readonly manifest: Manifest; readonly roster: Roster }[] = []
let silent: readonly string[] = []

const identityOf = (site: SiteId): IdentityKey => others.get(site) ?? openSiteKeys(folder).identity
const rosterOf = (version: number, names: readonly string[]): Roster => ({
  federation: 'test',
  version,
  admin: federation.admin.publicKey,
  coordinator: federation.desk.coordinatorIdentity,
  members: names.map(siteId).map((site) => ({ site, identity: identityOf(site).publicKey })),
  committee: [],
})
const pin = (next: Roster): void => {
  const book = new Site(folder, clock).openBook()
  book.pinRoster(next)
  book.close()
  roster = next
}

beforeAll(async () => {
  federation = await startFederation({
    studies: async () =>
      offers.map((offer) => {
        const hash = rosterHash(offer.roster)
        const id = studyIdOf(offer.manifest, hash)
        return { study: id, manifest: encodeManifest(offer.manifest), roster: hash, state: 'waiting' }
      }),
    roster: async () => ({
      roster: encodeRoster(roster),
      countersignatures: roster.members
        .filter(({ site }) => !silent.includes(site))
        .map(({ site }) => signBody('countersignature', site, { roster: rosterHash(roster) }, identityOf(site))),
      signature: signRoster(roster, federation.admin),
    }),
  })
  const client = await federation.join(ash)
  client.close()
  folder = federation.siteFolder(ash)
  roster = rosterOf(1, ['ash', 'birch', 'cedar', 'date'])
  const site = new Site(folder, clock)
  const [book, ledger] = [site.openBook(), site.openLedger()]
  const path = join(folder, 'rows.csv')
  writeFileSync(path, `a,b\n${'0,1\n'.repeat(20)}`)
  book.addSource({ name: 'rows', path, overrides: {} })
  ledger.setCap({ epsilon: epsilon(10), delta: delta(1e-4) })
  book.close()
  ledger.close()
  offers = [{ manifest, roster }]
})
afterAll(() => federation.stop())

const printed = async (...args: string[]): Promise<string> => {
  let out = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += text)))
  const program = new Command('site-agent')
  addStudyCommands(program, { clock })
  await runCommand(program, ['node', 'site-agent', 'study', ...args, '--data-dir', folder])
  write.mockRestore()
  process.exitCode = undefined
  return out
}
const run = async (...args: string[]) => JSON.parse(await printed(...args, '--json'))
const id = () => studyIdOf(manifest, rosterHash(offers[0]?.roster ?? roster))
const approve = (study: string) => run('approve', study, '--source', 'rows', '--confirm', study)

it('before a roster is confirmed the hint says how that is done', async () => {
  expect(await run('show', 'tiny')).toMatchObject({
    error_code: 'ROSTER_REFUSED',
    hint: expect.stringContaining('roster confirm'),
  })
})

it('R1 who has not countersigned is named, with what they have to do', async () => {
  pin(roster)
  silent = ['cedar']
  expect(await approve(id())).toMatchObject({
    error_code: 'APPROVAL_REFUSED',
    message: expect.stringContaining('not countersigned the roster: cedar'),
    hint: expect.stringContaining('roster confirm'),
  })
  silent = []
})

it('what is approved here is shown from the book under its own roster, whatever the roster is now', async () => {
  expect((await run('show', 'tiny')).data).toMatchObject({ here: 'pending', roster_version: 1 })
  expect((await approve(id())).data).toMatchObject({ study: id() })
  pin(rosterOf(2, ['ash', 'birch', 'cedar']))
  const { data } = await run('show', 'tiny')
  expect(data).toMatchObject({
    study: id(),
    here: 'approved',
    roster_version: 1,
    next: expect.stringMatching(/^site-agent run/),
  })
  expect(await printed('show', id().slice(0, 8))).toContain('version 1, under which it was approved here; now approved')
})

it('a study for an older roster is not shown as one that could be approved', async () => {
  const older = plan(2)
  offers.push({ manifest: older, roster: rosterOf(1, ['ash', 'birch', 'cedar', 'date']) })
  expect(await run('show', studyIdOf(older, rosterHash(offers[1]!.roster)))).toMatchObject({
    error_code: 'APPROVAL_REFUSED',
    hint: expect.stringContaining('published anew'),
  })
  offers.pop()
})

it('published anew under the same name: both are named, and each is shown by its id', async () => {
  offers.push({ manifest, roster })
  const anew = studyIdOf(manifest, rosterHash(roster))
  const both = await run('show', 'tiny')
  expect(both).toMatchObject({ error_code: 'NOT_FOUND', hint: expect.stringContaining('start of the id') })
  for (const study of [id(), anew]) expect(both.message).toContain(study.slice(0, 12))
  expect((await run('show', anew)).data).toMatchObject({ here: 'pending', roster_version: 2 })
  expect((await run('show', id().slice(0, 12))).data).toMatchObject({ here: 'approved' })
  offers.pop()
})

it('a study that names a hospital outside the roster says that nothing can be done about it here', async () => {
  pin(rosterOf(3, ['ash', 'birch']))
  offers.push({ manifest, roster })
  expect(await approve(studyIdOf(manifest, rosterHash(roster)))).toMatchObject({
    error_code: 'APPROVAL_REFUSED',
    message: 'cedar is in the study but not in the roster',
    hint: expect.stringContaining('tell the operator'),
  })
  offers.pop()
})

it('what is approved here is shown while the coordinator is away', async () => {
  const record = readEnrolmentRecord(folder)
  writeEnrolmentRecord(folder, { ...record, coordinator: '127.0.0.1:1' })
  expect((await run('show', id())).data).toMatchObject({ here: 'approved', price: { epsilon: {} } })
  expect((await run('show', 'tiny')).data).toMatchObject({ study: id() })
  writeEnrolmentRecord(folder, record)
}, 20_000)

it('an agent without an open study ends when its certificate is revoked', async () => {
  expect((await run('pause', 'tiny')).data).toMatchObject({ state: 'paused' })
  const quick: Clock = { now: clock.now, sleep: (ms, signal) => clock.sleep(ms / 100, signal) }
  const lines: { readonly msg: string; readonly code?: string }[] = []
  const log = pino({ base: { site: 'ash' } }, { write: (line) => lines.push(JSON.parse(line)) })
  const sealing = async () => new SealingWork(await createInsecureRing(), osRandomStreams)
  const queries = () => Promise.reject(new Error('no query is expected'))
  const agent = await Agent.open(new Site(folder, clock), { clock: quick, log, sealing, queries })
  const ended = agent.run({ untilFinished: false }, new AbortController().signal)
  const told = (msg: string) => lines.filter((line) => line.msg === msg)
  await vi.waitFor(() => expect(told('registered and trusted')).toHaveLength(1), { timeout: 10_000 })
  federation.registry.revoke(ash, clock.now())
  await expect(ended).rejects.toMatchObject({ code: 'CERTIFICATE_REVOKED' })
  expect(lines.filter(({ code }) => code === 'CERTIFICATE_REVOKED')).toHaveLength(1)
})
