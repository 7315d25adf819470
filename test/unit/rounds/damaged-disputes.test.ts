import { CodedError } from '@tributary/shared/errors'
import { type SiteId, siteId } from '@tributary/shared/ids'
import { openBody, signBody } from '@tributary/shared/wire/body'
import { memberOf } from '@tributary/shared/wire/roster'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DisputeStore } from '../../../coordinator/disputes/dispute-store.ts'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'

let federation: InProcessFederation
beforeEach(async () => {
  const spares = { marginals: 2, gradient: 3 }
  federation = await InProcessFederation.open({ sites: 5, least: 4, steps: 1, spares })
})
afterEach(() => {
  vi.restoreAllMocks()
  federation.close()
})

const [ash, birch, cedar] = ['ash', 'birch', 'cedar'].map(siteId) as [SiteId, SiteId, SiteId]
/** These sign, in the attempt that is open, another value than their box of ash's deal gives; `mute` shows no key. */
const lying = (holders: readonly SiteId[], mute: readonly SiteId[] = []) => {
  const { coordinator } = federation
  const honest = coordinator.handlers
  const { round } = federation.round
  coordinator.handlers = {
    ...honest,
    check: (peer, message) => {
      const { site } = peer
      if (!holders.includes(site)) return honest.check(peer, message)
      const body = openBody('check', message, memberOf(federation.roster, site))
      if (body.round !== round) return honest.check(peer, message)
      const value = new Uint8Array(8).fill(1)
      const checks = body.checks.map((check) => (check.site === ash ? { ...check, value } : check))
      return honest.check(peer, signBody('check', site, { ...body, checks }, federation.identityOf(site)))
    },
    openBox: (peer, message) => (mute.includes(peer.site) ? Promise.resolve() : honest.openBox(peer, message)),
  }
}
const disputes = () => federation.coordinator.disputes.disputes(federation.study)
const said = (words: string) => federation.coordinator.logged.filter(({ msg }) => msg === words)
const completes = async () => {
  await federation.complete()
  expect(federation.outcome).toMatchObject({ outcome: 'completed' })
  await checkInvariants(federation)
}
/** Whoever waits for a dispute is told that the study is over. */
const finished = async (site: SiteId) => (await federation.site(site).next()).kind === 'finished'

describe('R24 a disputes store that cannot be read', () => {
  const methods = ['pending', 'disputes', 'dispute', 'message', 'messages', 'boxes', 'save'] as const
  const damage = () => {
    for (const method of methods)
      vi.spyOn(DisputeStore.prototype, method).mockImplementation(() => {
        throw new CodedError('STATE_CORRUPT', 'the file is damaged')
      })
  }

  it('from the start stops no study, and is said once; a deal that is disputed is left out all the same', async () => {
    damage()
    await federation.restartCoordinator()
    lying([cedar])
    await completes()
    expect(federation.coordinator.rounds.rounds(federation.study)[0]).toMatchObject({
      phase: 'opened',
      disputed: [ash],
    })
    expect(said('disputes cannot be read: studies go on without them')).toHaveLength(1)
    expect(said('a deal is disputed, and nobody can find out why')).toMatchObject([{ dealer: 'ash' }])
    expect(said('a study could not be taken forward')).toEqual([])
  })

  it.each(['opening-deal', 'opening-boxes'])('while a dispute is at %s stops no study', async (phase) => {
    lying([cedar], [cedar])
    for (let i = 0; i < 60 && disputes()[0]?.phase !== phase; i++)
      await federation.turns([federation.sites[i % 5]!.name])
    expect(disputes()).toMatchObject([{ phase }])
    damage()
    await completes()
    for (let i = 0; i < 3; i++) await federation.advance(1_000 * federation.manifest.deadlines.deal_seconds)
    expect(said('a dispute cannot go on')).toHaveLength(1)
    for (const { name } of federation.sites) expect(await finished(name)).toBe(true)
  })
})

it('R24 a dispute whose evidence is damaged ends without a verdict: said once, and nobody waits for it', async () => {
  lying([cedar], [cedar])
  for (let i = 0; i < 60 && disputes()[0]?.phase !== 'opening-boxes'; i++)
    await federation.turns([federation.sites[i % 5]!.name])
  const { boxes } = DisputeStore.prototype
  vi.spyOn(DisputeStore.prototype, 'boxes').mockImplementation(function (this: DisputeStore, of) {
    const kept = boxes.call(this, of)
    kept.delete(birch)
    return kept
  })
  await completes()
  const { deal_seconds: seconds } = federation.manifest.deadlines
  await federation.advance(1_000 * seconds)
  for (let i = 0; i < 8; i++) await federation.advance(10_000)
  expect(disputes()).toMatchObject([{ phase: 'closed', verdict: null, fault: expect.stringContaining('birch') }])
  expect(said('a dispute cannot be judged')).toHaveLength(1)
  expect(said('a dispute cannot go on')).toEqual([])
  for (const { name } of federation.sites) expect(await finished(name)).toBe(true)
})

it('R24 a holder that showed its box is not kept waiting for one that does not', async () => {
  lying([birch, cedar], [birch])
  await completes()
  expect(disputes()).toMatchObject([{ phase: 'opening-boxes', complainants: [birch, cedar], shown: [cedar] }])
  expect(await finished(cedar)).toBe(true)
  expect(await finished(birch)).toBe(false)
  await federation.advance(1_000 * federation.manifest.deadlines.deal_seconds)
  expect(disputes()).toMatchObject([{ phase: 'closed' }])
  expect(await finished(birch)).toBe(true)
})

it('sites that ask for work cost no look into the disputes store', async () => {
  const pending = vi.spyOn(DisputeStore.prototype, 'pending')
  lying([cedar])
  await completes()
  expect(disputes()).toMatchObject([{ phase: 'closed', verdict: { dealer: 'sound' } }])
  expect(pending).not.toHaveBeenCalled()
})
