import { type SiteId, siteId } from '@tributary/shared/ids'
import { studyIdOf } from '@tributary/shared/study/manifest'
import { signBody } from '@tributary/shared/wire/body'
import { rosterHash } from '@tributary/shared/wire/roster'
import { afterEach, describe, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'
import { tinyStudy } from '../../harness/tiny-study.ts'

let federation: InProcessFederation
afterEach(() => federation.close())

const spares = { marginals: 2, gradient: 4 }
const open = async (sites: number, least: number) => {
  federation = await InProcessFederation.open({ sites, least, steps: 2, spares })
}
const peer = (site: string) => ({ site: siteId(site), serial: '01' })
const revoke = async (site: string) => {
  federation.coordinator.revoked.add(siteId(site))
  await federation.tick()
}
const readmit = async (site: string) => {
  federation.coordinator.revoked.delete(siteId(site))
  await federation.tick()
}
/** A roster that comes after the study's, listing exactly these sites. */
const propose = async (version: number, ...names: string[]) => {
  const members = names.map((name) => ({ site: siteId(name), identity: federation.identityOf(siteId(name)).publicKey }))
  federation.coordinator.studies.addRoster({ ...federation.roster, version, members })
  await federation.tick()
}
const rounds = () => federation.coordinator.rounds.rounds(federation.study)
const counts = () => federation.coordinator.opened.map((opened) => opened.counts)
const refusedWork = (site: string) =>
  expect(federation.coordinator.handlers.next(peer(site), { study: federation.study, waitMs: 0 }, stopped)).rejects
const stopped = AbortSignal.abort()
/** Turns without a tick of the clock: whoever were waited for would hang. */
const finishWithout = async (...out: string[]) => {
  const here = federation.sites.map(({ name }) => name).filter((name) => !out.includes(name))
  const began = federation.clock.now()
  for (let turn = 0; turn < 60 && !federation.isOver; turn++) {
    await federation.turns(here)
    await federation.tick()
  }
  expect(federation.outcome).toMatchObject({ outcome: 'completed' })
  expect(federation.clock.now()).toBe(began)
}

describe('a site revoked', () => {
  it.each(['dealing', 'contributing', 'answering'])(
    'while %s: refused at once, and nobody waits for it where the rest suffices',
    async (phase) => {
      await open(4, 3)
      await federation.reach(phase)
      await revoke('birch')
      await refusedWork('birch').toMatchObject({ code: 'ROSTER_REFUSED', message: expect.stringContaining('birch') })
      await finishWithout('birch')
      // What it had contributed before stays in its attempt; nothing later counts.
      expect(counts()).toEqual([
        [1, phase === 'answering' ? 1 : 0, 1, 1],
        [1, 0, 1, 1],
        [1, 0, 1, 1],
      ])
      await checkInvariants(federation)
    },
  )

  it('whom a round needs: the round stops, naming it; the next one waits, without a charge, until it is let in again', async () => {
    await open(3, 3)
    await federation.reach('contributing')
    await revoke('birch')
    expect(rounds()[0]).toMatchObject({
      phase: 'aborted',
      reason: 'birch may not take part any more: 2 sites are left where 3 are needed',
    })
    for (let i = 0; i < 5; i++) {
      await federation.turns(['ash', 'cedar'])
      await federation.advance(700_000)
    }
    expect(federation.round).toMatchObject({ attempt: 1, phase: 'dealing' })
    expect(federation.outcome).toMatchObject({ outcome: 'running', attempts: [1, 0] })
    await readmit('birch')
    await federation.complete()
    expect(counts()).toEqual(Array(3).fill([1, 1, 1]))
    await checkInvariants(federation)
  })

  it('when too few are left to answer: the attempt ends at once, naming it, and counts (R6)', async () => {
    await open(3, 3)
    await federation.reach('answering')
    const { threshold } = federation.manifest.plan
    for (const site of ['birch', 'cedar'].slice(0, 4 - threshold)) await revoke(site)
    expect(rounds()[0]).toMatchObject({ phase: 'aborted', reason: expect.stringMatching(/birch.* may not take part/) })
    expect(federation.outcome).toMatchObject({ outcome: 'running', attempts: [1, 0] })
  })

  it('stays out of rounds dealt before, and of a coordinator that was started again', async () => {
    await open(4, 3)
    await federation.reach('contributing', 1)
    await revoke('date')
    await federation.restartCoordinator()
    await refusedWork('date').toMatchObject({ code: 'ROSTER_REFUSED' })
    await finishWithout('date')
    expect(counts().slice(1)).toEqual([
      [1, 1, 1, 0],
      [1, 1, 1, 0],
    ])
    await checkInvariants(federation)
  })
})

describe('a site removed from the roster (R1)', () => {
  it('is out at once and for good where the rest suffices; nobody approves again', async () => {
    await open(4, 3)
    await federation.reach('contributing')
    await propose(2, 'ash', 'cedar', 'date')
    await refusedWork('birch').toMatchObject({ code: 'ROSTER_REFUSED' })
    await propose(3, 'ash', 'birch', 'cedar', 'date')
    await refusedWork('birch').toMatchObject({ code: 'ROSTER_REFUSED' })
    const { round } = federation.round
    await expect(federation.coordinator.handlers.boxes(peer('birch'), round)).rejects.toMatchObject({
      code: 'ROSTER_REFUSED',
    })
    expect((await federation.site('birch').turn()).error).toMatchObject({ code: 'ROSTER_REFUSED' })
    await finishWithout('birch')
    expect(counts()).toEqual(Array(3).fill([1, 0, 1, 1]))
    await checkInvariants(federation)
  })

  it('ends the study, naming it, where the rest does not suffice; what was broadcast stays counted', async () => {
    await open(3, 3)
    await federation.reach('contributing', 1)
    await propose(2, 'ash', 'cedar')
    expect(federation.outcome).toMatchObject({
      outcome: 'stopped',
      reason: 'ROSTER_REFUSED: birch left the roster, and the study needs 3 sites where 2 remain',
      attempts: [1, 1],
    })
    expect(await federation.site('ash').next()).toMatchObject({ kind: 'finished', outcome: 'stopped' })
    await federation.restartCoordinator()
    expect(federation.outcome).toMatchObject({ outcome: 'stopped' })
    await checkInvariants(federation)
  })

  it('a sum whose answers are in is opened before the study ends', async () => {
    await open(3, 3)
    await federation.reach('answering')
    const { coordinator } = federation
    await Promise.all(['ash', 'birch', 'cedar'].map((name) => federation.site(name).turn()))
    await propose(2, 'ash', 'cedar')
    await federation.tick()
    expect(counts()).toEqual([[1, 1, 1]])
    expect(coordinator.run(federation.study).state).toMatchObject({ outcome: 'stopped', attempts: [1, 0] })
    await checkInvariants(federation)
  })

  it('listed under another identity key is removed all the same', async () => {
    await open(4, 3)
    await federation.reach('contributing')
    const members = federation.roster.members.map(({ site, identity }) => ({
      site,
      identity: site === 'birch' ? federation.identityOf(siteId('hazel')).publicKey : identity,
    }))
    federation.coordinator.studies.addRoster({ ...federation.roster, version: 2, members })
    await federation.tick()
    await refusedWork('birch').toMatchObject({ code: 'ROSTER_REFUSED' })
    await finishWithout('birch')
  })
})

describe('a late joiner (R1)', () => {
  /** The study that names it, under the roster that lists it. */
  const joined = async () => {
    await open(3, 3)
    await propose(2, 'ash', 'birch', 'cedar', 'date')
    const manifest = tinyStudy({ sites: 4, least: 3, steps: 2, spares })
    const { study, roster } = federation.coordinator.studies.publish(manifest, 7)
    await federation.tick()
    return { manifest, study, roster }
  }
  const say = async (site: string, { manifest, study, roster }: Awaited<ReturnType<typeof joined>>) => {
    const name: SiteId = siteId(site)
    const identity = federation.identityOf(name)
    const { handlers, studies } = federation.coordinator
    const approval = { study, manifest: studies.study(study).manifestHash, roster: rosterHash(roster) }
    await handlers.approve(peer(site), signBody('approval', name, approval, identity))
    const key = new Uint8Array(1216).fill(1)
    await handlers.putBoxKeys(peer(site), signBody('box-keys', name, { study, epoch: 0, key }, identity))
    expect(studyIdOf(manifest, rosterHash(roster))).toBe(study)
  }
  const stateOf = (study: Awaited<ReturnType<typeof joined>>['study']) =>
    federation.coordinator.run(study).state.outcome

  it('is refused by every study made for the older roster', async () => {
    await joined()
    await federation.reach('contributing')
    const { handlers, studies } = federation.coordinator
    const { round } = federation.round
    await refusedWork('date').toMatchObject({ code: 'ROSTER_REFUSED', message: 'date is not in this study' })
    await expect(handlers.boxes(peer('date'), round)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const { study } = federation
    const { manifestHash, rosterHash: roster } = studies.study(study)
    const approval = { study, manifest: manifestHash, roster }
    const identity = federation.identityOf(siteId('date'))
    await expect(
      handlers.approve(peer('date'), signBody('approval', siteId('date'), approval, identity)),
    ).rejects.toMatchObject({ code: 'ROSTER_REFUSED' })
    await federation.complete()
    expect(counts()).toEqual(Array(3).fill([1, 1, 1]))
  })

  it('takes part in a study under the new roster once everybody has approved that one, not before', async () => {
    const next = await joined()
    for (const site of ['date', 'ash', 'birch']) {
      await say(site, next)
      await federation.advance(60_000)
      expect(stateOf(next.study)).toBe('waiting')
      const { next: ask } = federation.coordinator.handlers
      expect(await ask(peer('date'), { study: next.study, waitMs: 0 }, stopped)).toEqual({ kind: 'wait' })
    }
    await say('cedar', next)
    expect(stateOf(next.study)).toBe('running')
  })

  it('that leaves the roster before everybody approved ends that study with its name', async () => {
    const next = await joined()
    for (const site of ['ash', 'birch', 'cedar']) await say(site, next)
    await propose(3, 'ash', 'birch', 'cedar')
    expect(federation.coordinator.run(next.study).state).toMatchObject({
      outcome: 'stopped',
      reason: 'ROSTER_REFUSED: date left the roster before approving: publish it anew',
    })
    expect(federation.outcome).toMatchObject({ outcome: 'running' })
  })
})
