import { existsSync, writeFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { runCommand } from '@tributary/shared/cli/output'
import { type SiteId, siteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { encodeManifest, studyIdOf } from '@tributary/shared/study/manifest'
import { delta, epsilon } from '@tributary/shared/units'
import { signBody } from '@tributary/shared/wire/body'
import type { CoordinatorClient, FederationHandlers, Task } from '@tributary/shared/wire/federation-api'
import { encodeRoster, rosterHash, signRoster } from '@tributary/shared/wire/roster'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import type { Roster } from '@tributary/shared/wire/messages'
import { generateIdentity, type IdentityKey, type SignedMessage } from '@tributary/shared/wire/signed'
import { Command } from 'commander'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { Agent } from '../../../site-agent/agent.ts'
import { addRunCommands } from '../../../site-agent/cli/run-commands.ts'
import { addStudyCommands } from '../../../site-agent/cli/study-commands.ts'
import { openSiteKeys } from '../../../site-agent/enrolment/site-keys.ts'
import { addBudgetCommands } from '../../../site-agent/ledger/budget-commands.ts'
import { FollowedStudy } from '../../../site-agent/followed-study.ts'
import { Ledger } from '../../../site-agent/ledger/ledger.ts'
import { planReservation } from '../../../site-agent/ledger/plan-reservation.ts'
import { SiteBook } from '../../../site-agent/policy/site-book.ts'
import { giveUpVolatile } from '../../../site-agent/policy/volatile-mark.ts'
import { Site } from '../../../site-agent/site.ts'
import { SealingWork } from '../../../site-agent/update/sealing-work.ts'
import { createInsecureRing } from '../../harness/insecure-ring.ts'
import { tinyStudy } from '../../harness/tiny-study.ts'
import { clock, startFederation, type TestFederation } from '../link/federation-fixture.ts'

/** One hospital's officer and agent against a coordinator that serves what the test likes. */
const ash = siteId('ash')
const manifest = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
const identities = new Map<SiteId, IdentityKey>()
let roster: Roster
let federation: TestFederation
let folder: string
let countersignatures: SignedMessage[] = []
let next: () => Promise<Task> = async () => ({ kind: 'wait' })
const putDeal = vi.fn(async () => {})
const study = () => studyIdOf(manifest, rosterHash(roster))
let offers = [{ id: study, plan: manifest }]

beforeAll(async () => {
  const served: Partial<FederationHandlers> = {
    studies: async () =>
      offers.map(({ id, plan }) => ({
        study: id(),
        manifest: encodeManifest(plan),
        roster: rosterHash(roster),
        state: 'waiting',
      })),
    roster: async () => ({
      roster: encodeRoster(roster),
      countersignatures,
      signature: signRoster(roster, federation.admin),
    }),
    next: () => next(),
    putDeal,
  }
  federation = await startFederation(served)
  const client: CoordinatorClient = await federation.join(ash)
  client.close()
  folder = federation.siteFolder(ash)
  // One member of the roster is not in the study.
  for (const name of ['birch', 'cedar', 'zed'].map(siteId)) identities.set(name, generateIdentity())
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
  writeFileSync(path, `a,b\n${'0,1\n'.repeat(20)}`)
  book.addSource({ name: 'rows', path, overrides: {} })
  ledger.setCap({ epsilon: epsilon(10), delta: delta(1e-4) })
  book.close()
  ledger.close()
})
afterAll(() => federation.stop())

const sign = (site: SiteId) =>
  signBody('countersignature', site, { roster: rosterHash(roster) }, identities.get(site) as IdentityKey)

/** `site-agent study ...` with --json; its data, or its error. */
const run = async (...args: string[]) => {
  let out = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += text)))
  const program = new Command('site-agent')
  addStudyCommands(program, { clock })
  await runCommand(program, ['node', 'site-agent', 'study', ...args, '--data-dir', folder, '--json'])
  write.mockRestore()
  process.exitCode = undefined
  const { data, error_code: error, message } = JSON.parse(out)
  return { data, error, message }
}
const approve = (confirm: string) => run('approve', study(), '--source', 'rows', '--confirm', confirm)

it('approves what was shown under a roster that every member has signed, and a junk signature is passed over (R1)', async () => {
  expect(await approve(study().slice(0, 8))).toMatchObject({ error: 'APPROVAL_REFUSED' })
  expect((await run('show', 'tiny')).data.next).toContain(`study approve ${study()} `)
  // zed has not signed, and is not in the study: what it would sign may be another roster.
  const junk = { ...sign(siteId('zed')), signature: new Uint8Array(64) }
  countersignatures = [junk, ...['ash', 'birch', 'cedar'].map((name) => sign(siteId(name)))]
  expect(await approve(study().slice(0, 8))).toMatchObject({ error: 'APPROVAL_REFUSED' })
  countersignatures.push(sign(siteId('zed')))
  expect(await approve(study().slice(0, 8))).toMatchObject({ data: { study: study() } })
})

it('approves a table with more than the study promises of the hospital only where the officer says so (A7, R19)', async () => {
  const book = new Site(folder, clock).openBook()
  for (const [name, rows] of [
    ['full', '0,1\n1,0\n'.repeat(250)],
    ['large', '0,1\n1,0\n'.repeat(250).concat('0,1\n')],
    ['large-and-odd', '0,1\n1,0\n'.repeat(250).concat('0,7\n')],
  ] as const) {
    const path = join(folder, `${name}.csv`)
    writeFileSync(path, `a,b\n${rows}`)
    book.addSource({ name, path, overrides: {} })
  }
  book.close()
  const from = (source: string, ...flags: string[]) =>
    run('approve', study(), '--source', source, '--confirm', study().slice(0, 8), ...flags)
  const refused = await from('large')
  expect(refused).toMatchObject({ error: 'TABLE_INVALID', message: expect.stringContaining('more than promised') })
  expect(refused.message).not.toContain('501')
  const accept = '--accept-more-than-promised'
  // It accepts nothing else.
  expect(await from('large-and-odd', accept)).toMatchObject({
    error: 'TABLE_INVALID',
    message: expect.stringContaining('unlisted text'),
  })
  const { data } = await from('large', accept)
  expect(data.problems).toMatchObject([{ kind: 'more than promised', count: '100 to 999' }])
  for (const source of ['full', 'rows']) expect((await from(source)).data.problems).toEqual([])
})

/** Waits a hundredth of what is asked for. */
const quick: Clock = { now: clock.now, sleep: (ms, signal) => clock.sleep(ms / 100, signal) }
const refusing = async () => ({
  execute: () => Promise.reject(new Error('no query is expected')),
  close: async () => {},
})

const agent = async () => {
  const stop = new AbortController()
  const log = pino({ level: 'silent' })
  const sealing = async () => new SealingWork(await createInsecureRing(), osRandomStreams)
  const opened = await Agent.open(new Site(folder, clock), { clock: quick, log, sealing, queries: refusing })
  const ended = opened.run({ untilFinished: false }, stop.signal)
  return {
    ended,
    stop: async () => {
      stop.abort()
      await ended
    },
  }
}

/** What a peer showed this site: a contribution that it signed and does not know. */
const shown = (lost: 'ledger' | 'both') => {
  const ledger = new Site(folder, clock).openLedger()
  const round = roundIdOf(study(), 1, 0)
  const facts = { step: 1, attempt: 0, charged: 2, counter: 2 }
  ledger.noteRestored({ study: study(), peer: siteId('birch'), round, ...facts, lost })
  ledger.close()
}

const acknowledge = async (...args: string[]) => {
  let out = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += text)))
  const program = new Command('site-agent')
  addBudgetCommands(program, { clock })
  await runCommand(program, ['node', 'site-agent', 'budget', 'acknowledge-restored', ...args, '--data-dir', folder])
  write.mockRestore()
  process.exitCode = undefined
  return out
}

it('an agent survives a locked book, does nothing that came after a pause, and keeps its outbox until all is over', async () => {
  const site = new Site(folder, clock)
  const [book, outbox] = [site.openBook(), site.openOutbox()]
  const round = roundIdOf(study(), 0, 0)
  await outbox.storeDeal(round, { message: sign(ash), boxes: [] })
  let asked = 0
  next = async () => {
    asked++
    await clock.sleep(5)
    return { kind: 'wait' }
  }
  for (const method of ['approved', 'stateOf'] as const)
    vi.spyOn(SiteBook.prototype, method).mockImplementationOnce(() => {
      throw new Error('database is locked')
    })
  const running = await agent()
  await vi.waitFor(() => expect(asked).toBeGreaterThan(3), { timeout: 20_000 })

  next = async () => {
    book.setState(study(), 'paused')
    return { kind: 'deal', study: study(), step: 0, attempt: 1, boxKeys: [] }
  }
  await vi.waitFor(() => expect(book.stateOf(study())).toBe('paused'), { timeout: 20_000 })
  // Idle: whatever was begun for the study has ended, and the outbox was looked at.
  const idle = vi.spyOn(SiteBook.prototype, 'hasOpenStudy')
  await vi.waitFor(() => expect(idle.mock.calls.length).toBeGreaterThan(1), { timeout: 20_000 })
  expect(putDeal).not.toHaveBeenCalled()
  expect(outbox.dealt(round)).toMatchObject({ boxes: [] })

  book.setState(study(), 'finished')
  await vi.waitFor(() => expect(outbox.dealt(round)).toBe('pruned'), { timeout: 20_000 })
  await running.stop()
  book.setState(study(), 'approved')
  book.close()
  outbox.close()
})

it('a study that cannot be left in order does not end the agent, which follows it again', async () => {
  next = async () => {
    await clock.sleep(5)
    return { kind: 'wait' }
  }
  const follow = vi.spyOn(FollowedStudy.prototype, 'follow').mockRejectedValueOnce(new Error('a thread does not end'))
  const running = await agent()
  await vi.waitFor(() => expect(follow.mock.calls.length).toBeGreaterThan(1), { timeout: 20_000 })
  await running.stop()
  follow.mockRestore()
})

it('R4 a site that a peer shows to be restored ends its agent, in whatever study, and neither starts nor approves before it is acknowledged', async () => {
  let dealt = 0
  next = async () => {
    await clock.sleep(5)
    return dealt++ < 3 ? { kind: 'wait' } : { kind: 'deal', study: study(), step: 0, attempt: 1, boxKeys: [] }
  }
  const running = await agent()
  shown('ledger')
  await expect(running.ended).rejects.toMatchObject({
    code: 'LEDGER_RESTORED',
    message: expect.stringContaining('birch'),
  })
  expect(putDeal).not.toHaveBeenCalled()
  await expect(agent()).rejects.toMatchObject({ code: 'LEDGER_RESTORED' })
  expect(await approve(study())).toMatchObject({ error: 'LEDGER_RESTORED' })
  expect(await acknowledge()).toMatch(/birch shows .*2 charged by then\ntiny .* here 0, .* by peers 2; will be 4/s)
  await expect(agent()).rejects.toMatchObject({ code: 'LEDGER_RESTORED' })
  expect(await acknowledge('--yes')).toMatch(/charged; next: site-agent run/)
  next = async () => {
    await clock.sleep(5)
    return { kind: 'wait' }
  }
  await (await agent()).stop()
})

it('a revocation that a crash left half done refuses rounds already, is finished by the next, and is for good', async () => {
  const crash = vi.spyOn(Ledger.prototype, 'revoke').mockImplementationOnce(() => {
    throw new Error('killed')
  })
  expect(await run('revoke', 'tiny')).toMatchObject({ error: 'INTERNAL' })
  const book = new Site(folder, clock).openBook()
  expect(book.stateOf(study())).toBe('revoked')
  expect(await approve(study())).toMatchObject({ error: 'STUDY_OVER' })
  for (let i = 0; i < 2; i++) expect(await run('revoke', 'tiny')).toMatchObject({ data: { state: 'revoked' } })
  crash.mockRestore()
  const ledger = new Site(folder, clock).openLedger()
  expect(ledger.spent().studies).toMatchObject([{ revoked: true }])
  expect([...ledger.history()].filter(({ content }) => content.kind === 'revoke')).toHaveLength(1)
  expect(await run('resume', 'tiny')).toMatchObject({ error: 'STUDY_OVER' })
  ledger.close()
  book.close()
  // Nobody ever opens a box for it again, whatever was stolen or recorded.
  const boxKeys = join(folder, 'volatile', 'box-keys', `${study()}-0`)
  expect(existsSync(boxKeys)).toBe(true)
  await (await agent()).stop()
  expect(existsSync(boxKeys)).toBe(false)
})

it('R4 where the answer log went back as well, acknowledging says that the site must enrol anew, and it must', async () => {
  shown('both')
  expect(await acknowledge('--yes')).toMatch(
    /volatile\/ .* went back as well.*next: enrol again .* budget adopt --from/s,
  )
  expect(await approve(study())).toMatchObject({ error: 'VOLATILE_LOST' })
  await expect(agent()).rejects.toMatchObject({ code: 'VOLATILE_LOST' })
  expect(await acknowledge('--json')).toContain('VOLATILE_LOST')
})

const statusOf = async () => {
  let out = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += text)))
  const program = new Command('site-agent')
  addRunCommands(program, { clock })
  await runCommand(program, ['node', 'site-agent', 'status', '--data-dir', folder, '--json'])
  write.mockRestore()
  process.exitCode = undefined
  return JSON.parse(out).data
}

it('R4 a site that came back without volatile/ neither approves nor runs, and says what to do, acknowledged or not', async () => {
  rmSync(join(folder, 'volatile'), { recursive: true })
  const stopped = async () => {
    expect(await approve(study())).toMatchObject({ error: 'VOLATILE_LOST' })
    await expect(agent()).rejects.toMatchObject({ code: 'VOLATILE_LOST' })
  }
  // Acknowledged before this test.
  await stopped()
  expect(await statusOf()).toMatchObject({ ledger: 'lost', next: expect.stringContaining('budget adopt --from') })
  giveUpVolatile(folder)
  await stopped()
  expect(await statusOf()).toMatchObject({ ledger: 'restored', next: expect.stringContaining('acknowledge-restored') })
  expect(() => new Site(folder, clock).refuseRestored()).toThrow(expect.objectContaining({ code: 'VOLATILE_LOST' }))
})

it('R4 a study that this directory lacks is named by an officer, and charged by the plan that its id is the hash of', async () => {
  const plan = tinyStudy({ sites: 3, least: 3, steps: 2, spares: { marginals: 1, gradient: 2 } })
  const later = () => studyIdOf(plan, rosterHash(roster))
  // The coordinator offers a cheaper plan under its id.
  offers = [{ id: later, plan: manifest }]
  expect(await acknowledge('--study', later(), '--yes', '--json')).toContain('NOT_FOUND')
  offers = [{ id: later, plan }]
  expect(await acknowledge('--study', later())).toMatch(/tiny \([0-9a-f]{12}\): attempts charged here 0, .* will be 6/)
  expect(JSON.parse(await acknowledge('--study', later(), '--yes', '--json')).data).toMatchObject({
    acknowledged: true,
  })
  const ledger = new Site(folder, clock).openLedger()
  const named = ledger.spent().studies.find((each) => each.study === later())
  expect(named?.attempts.every(({ charged, reserved }) => charged === reserved)).toBe(true)
  expect(named?.reservedEpsilon).toBe(planReservation(later(), plan).epsilon)
  ledger.close()
})

it('R4 a study that a peer shows and the ledger lacks is priced by the coordinator’s copy of its plan, or nothing goes on', async () => {
  const plan = tinyStudy({ sites: 3, least: 3, steps: 3, spares: { marginals: 1, gradient: 2 } })
  const unknown = studyIdOf(plan, rosterHash(roster))
  const ledger = new Site(folder, clock).openLedger()
  const facts = { round: roundIdOf(unknown, 0, 0), step: 0, attempt: 0, charged: 1, counter: 9, lost: 'both' as const }
  ledger.noteRestored({ study: unknown, peer: siteId('birch'), ...facts })
  expect(await acknowledge('--yes', '--json')).toContain('LEDGER_RESTORED')
  expect(await acknowledge()).toMatch(new RegExp(`${unknown}: its plan is not known here nor to the coordinator`))
  offers = [{ id: () => unknown, plan }]
  expect(await acknowledge('--yes')).toMatch(/charged; next: enrol again/)
  expect(
    ledger
      .spent()
      .studies.at(-1)
      ?.attempts.every(({ charged, reserved }) => charged === reserved),
  ).toBe(true)
  ledger.close()
})
