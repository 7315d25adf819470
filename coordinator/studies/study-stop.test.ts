import { siteId } from '@tributary/shared/ids'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { InProcessFederation } from '../../test/harness/in-process-federation.ts'
import { checkInvariants } from '../../test/harness/round-invariants.ts'
import { awaitedIn } from './participation.ts'

let federation: InProcessFederation
beforeEach(async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 4, steps: 2, spares: { marginals: 2, gradient: 4 } })
})
afterEach(() => federation.close())

const published = () => federation.coordinator.studies.study(federation.study)
const awaited = () => awaitedIn(published(), federation.coordinator.rounds, { removed: [], revoked: [] })
const ask = (site: string) =>
  federation.coordinator.handlers.next(
    { site: siteId(site), serial: '01' },
    { study: federation.study, waitMs: 0 },
    AbortSignal.abort(),
  )

it('a study that an officer took back waits, saying for whom, until the operator stops it; every agent hears why', async () => {
  await federation.reach('contributing', 1)
  federation.site('ash').isApproved = false
  await federation.site('ash').worker.leave()
  await federation.turns(['birch', 'cedar', 'date'])
  for (let day = 0; day < 3; day++) await federation.advance(86_400_000)
  expect(federation.outcome).toMatchObject({ outcome: 'running', attempts: [1, 1] })
  expect(awaited()).toEqual([{ site: 'ash', why: 'withdrew' }])

  federation.coordinator.studies.orderStop(federation.study, 'ash took its approval back')
  federation.coordinator.studies.orderStop(federation.study, 'another reason')
  // Ordered beside a coordinator that is down: it is stopped as soon as one looks.
  await federation.restartCoordinator()
  const reason = 'stopped by the operator: ash took its approval back'
  expect(federation.outcome).toMatchObject({ outcome: 'stopped', reason, attempts: [1, 1] })
  for (const site of ['ash', 'birch'])
    expect(await ask(site)).toMatchObject({ kind: 'finished', outcome: 'stopped', reason })
  expect(awaited()).toEqual([])
  expect(federation.site('birch').charged().size).toBe(1)
  await checkInvariants(federation)
})

it('a stop ordered while a round is charged keeps that attempt counted (R6)', async () => {
  await federation.reach('answering')
  federation.coordinator.studies.orderStop(federation.study, 'no longer needed')
  await federation.tick()
  expect(federation.outcome).toMatchObject({ outcome: 'stopped', attempts: [1, 0] })
  await federation.restartCoordinator()
  expect(federation.outcome).toMatchObject({ outcome: 'stopped', attempts: [1, 0] })
})

it('that a study is over is told to a site that was removed since, by a coordinator that was started again too', async () => {
  await federation.complete()
  const members = federation.roster.members.filter(({ site }) => site !== 'birch')
  federation.coordinator.studies.addRoster({ ...federation.roster, version: 2, members })
  await federation.restartCoordinator()
  expect(await ask('birch')).toMatchObject({ kind: 'finished', outcome: 'completed' })
  await expect(ask('zed')).rejects.toMatchObject({ code: 'ROSTER_REFUSED' })
})

it('a round that cannot go on names every site that is missing, with why', async () => {
  federation.close()
  federation = await InProcessFederation.open({ sites: 5, least: 4, steps: 1, spares: { marginals: 2, gradient: 4 } })
  federation.coordinator.revoked.add(siteId('birch'))
  await federation.tick()
  await federation.turns(['ash'])
  await federation.site('ash').worker.leave()
  expect(federation.coordinator.rounds.rounds(federation.study)[0]).toMatchObject({
    phase: 'aborted',
    reason: 'birch may not take part any more; ash withdrew: 3 sites are left where 4 are needed',
  })
})
