import { type Digest, type RoundId, siteId } from '@tributary/shared/ids'
import { expect, it } from 'vitest'
import type { RoundState } from '../../coordinator/rounds/round.ts'
import { siteFailpoints } from '../harness/failpoints.ts'
import type { KillFacts } from '../harness/kill-facts.ts'
import { killBreaches, runInvariantBreaches } from '../harness/kill-invariants.ts'
import { coordinatorKills, siteKills } from '../harness/kill-plan.ts'
import type { Death } from '../harness/process-gate.ts'

/* The checks of the kill matrix, each shown a run in which its rule is broken, and a sound one. */
const sites = ['ash', 'birch', 'cedar', 'date']
const steps = 2
const round = (step: number): RoundId => `round-${step}` as RoundId
/** In step 1 birch died with a charge that nothing was sent for. */
const lost = 'birch'
const contributorsOf = (step: number) => sites.filter((site) => step === 0 || site !== lost).map(siteId)

const state = (step: number): RoundState => ({
  round: round(step),
  query: 0,
  step,
  attempt: 0,
  phase: 'opened',
  deadline: 0,
  model: 'm' as Digest,
  broadcast: true,
  holders: sites.map(siteId),
  dealers: sites.map(siteId),
  checked: sites.map(siteId),
  distrusted: [],
  disputed: [],
  withdrawn: [],
  contributors: contributorsOf(step),
  answered: sites.map(siteId),
  reason: null,
})

const all = [0, 1]
const passages = all.flatMap((step) =>
  contributorsOf(step).flatMap((site) =>
    ['deal', 'contribution', 'answer'].map((kind) => ({
      site,
      kind,
      round: round(step),
      message: `${site} ${kind} ${step}`,
      payload: kind === 'answer' ? null : `${site} ${kind} ${step} payload`,
    })),
  ),
)
const death: Death = { who: lost, at: 'after ledger.charge', step: 1, reached: 1, round: round(1), pid: 1 }

const sound: KillFacts = {
  sites,
  least: 3,
  steps,
  outcome: 'completed',
  rounds: all.map(state),
  stored: new Map(all.map((step) => [round(step), contributorsOf(step)])),
  sums: all.map((step) => ({
    round: round(step),
    step,
    counts: sites.map((site) => (contributorsOf(step).includes(siteId(site)) ? 1 : 0)),
    others: false,
    sum: '',
  })),
  orders: all.map((step) => ({ kind: 'announcement', round: round(step), message: `U ${step}` })),
  sent: passages,
  received: [...passages, ...passages],
  journals: new Map(
    sites.map((name) => [name, new Set(passages.filter(({ site }) => site === name).map(({ message }) => message))]),
  ),
  charges: new Map(sites.map((site) => [site, all.map(round)])),
  brokenLedgers: [],
  deaths: [death],
  killed: [...sites, 'coordinator'].map((who) => ({ who, kills: who === lost ? 1 : 0 })),
  model: 'm',
  replayed: 'm',
}
const [first, second] = sound.sums
const charged = (site: string, rounds: readonly RoundId[]) => new Map(sound.charges).set(site, rounds)

const planted: Readonly<Record<string, Partial<KillFacts>>> = {
  'a contribution left without a charge': { charges: charged('ash', [round(0)]) },
  'a charge that nothing explains': { charges: charged('ash', [...all.map(round), round(9)]) },
  'one attempt charged twice': { charges: charged('ash', [round(0), round(1), round(1)]) },
  'a crash that cost two attempts': { charges: charged(lost, [...all.map(round), round(9)]) },
  'a ledger whose chain is broken': { brokenLedgers: ['ash'] },
  'somebody counted twice': { sums: [{ ...first!, counts: [2, 1, 1, 1] }, second!] },
  'somebody not counted': { sums: [{ ...first!, counts: [0, 1, 1, 1] }, second!] },
  'a sum that holds something else': { sums: [{ ...first!, others: true }, second!] },
  'a sum opened and not applied': { rounds: [state(0), { ...state(1), phase: 'aborted' }] },
  'a stored contribution left out': { stored: new Map(sound.stored).set(round(1), sites.map(siteId)) },
  'a dead site in the sum': { deaths: [{ ...death, round: round(0) }] },
  'a site left out although its bytes were stored': { deaths: [death, { ...death, at: 'after outbox.store' }] },
  'other bytes the second time': { sent: [...passages, { ...passages[1]!, message: 'other' }] },
  'another payload the second time': { sent: [...passages, { ...passages[1]!, payload: 'other' }] },
  'other bytes than were sent': { received: [{ ...passages[2]!, message: 'other' }] },
  'two contributor sets': { orders: [...sound.orders, { kind: 'announcement', round: round(0), message: 'other' }] },
  'a message that no journal has': { journals: new Map([...sound.journals, ['ash', new Set<string>()]]) },
  'a step lost': { rounds: [state(0)], sums: [first!] },
  'a step applied twice': { replayed: 'other' },
  'a run that stopped': { outcome: 'stopped' },
  'too few contributors': { least: 4 },
}

it('a sound run breaks nothing, and dies as planned', () => {
  expect(runInvariantBreaches(sound)).toEqual([])
  expect(killBreaches(sound, [death])).toEqual([])
})

it.each(Object.entries(planted))('%s is noticed', (_, part) => {
  expect(runInvariantBreaches({ ...sound, ...part })).not.toEqual([])
})

it('a kill that did not happen, twice happened, happened elsewhere or by another signal is noticed', () => {
  expect(killBreaches(sound, [])).not.toEqual([])
  expect(killBreaches({ ...sound, deaths: [] }, [death])).not.toEqual([])
  expect(killBreaches({ ...sound, deaths: [death, death] }, [death])).not.toEqual([])
  expect(killBreaches({ ...sound, deaths: [{ ...death, at: 'elsewhere' }] }, [death])).not.toEqual([])
  expect(killBreaches({ ...sound, killed: [{ who: lost, kills: 0 }] }, [death])).not.toEqual([])
})

it('the plans: everybody at every failpoint once, and no step loses more sites than a round can', () => {
  const { kills, steps: planned } = siteKills(sites)
  for (const site of sites)
    for (const at of Object.keys(siteFailpoints))
      expect(kills.filter((kill) => kill.who === site && kill.at === at).length).toBeGreaterThanOrEqual(1)
  for (let step = 0; step < planned; step++) {
    const losing = kills.filter((kill) => kill.step === step && siteFailpoints[kill.at] === 'is lost')
    // One step loses two on purpose.
    expect(losing.length).toBeLessThanOrEqual(step === planned - 6 ? 2 : 1)
  }
  const coordinator = coordinatorKills('ash')
  expect(new Set(coordinator.kills.map(({ at, step }) => `${at} ${step}`)).size).toBe(coordinator.kills.length)
})
