import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { coordinatorFailpoints, endFailpoints, siteFailpoints, withdrawalFailpoints } from '../harness/failpoints.ts'
import { FaultFederation, faultSites } from '../harness/fault-federation.ts'
import { type KillFacts, readFacts } from '../harness/kill-facts.ts'
import { killBreaches, runInvariantBreaches } from '../harness/kill-invariants.ts'
import { coordinatorKills, type KillPlan, siteKills } from '../harness/kill-plan.ts'

/*
 * Real processes, killed with -9 at every named place of a round (test/harness/failpoints.ts) and started again. Contributions are
 * one-hot without noise, so an opened sum shows who was counted: 1 once, 2 twice, 0 not at all. KILL_AT, a regular expression,
 * picks some failpoints.
 */
const pattern = process.env.KILL_AT
const wanted = (failpoint: string): boolean => pattern === undefined || new RegExp(pattern).test(failpoint)

/** What each process keeps of its code from one life to the next: a life starts in a third of the time. */
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'tributary-compile-cache')

const survived = async (plan: KillPlan): Promise<KillFacts> => {
  const started = performance.now()
  const federation = new FaultFederation(plan)
  try {
    await federation.open()
    const opened = performance.now()
    const facts = await readFacts(federation, await federation.run())
    const seconds = (from: number, to: number) => Math.round((to - from) / 1000)
    const figures = {
      kills: facts.deaths.length,
      steps: facts.steps,
      attempts: facts.rounds.length,
      secondsToOpen: seconds(started, opened),
      secondsToRun: seconds(opened, performance.now()),
    }
    process.stdout.write(`${JSON.stringify(figures)}\n`)
    return facts
  } finally {
    await federation.remove()
  }
}

const atPlaces = ({ deaths }: KillFacts, who: string): string[] =>
  [...new Set(deaths.filter((death) => death.who === who).map(({ at }) => at))].toSorted()

// On a busy machine the two together may take a quarter of an hour; on an idle one of two cores, three minutes.
describe.concurrent('kill -9', { timeout: 1_800_000 }, () => {
  it('of every agent before and after each durable write and each send', async ({ expect }) => {
    const plan = siteKills(faultSites, wanted)
    const facts = await survived(plan)
    expect(killBreaches(facts, plan.kills)).toEqual([])
    expect(runInvariantBreaches(facts)).toEqual([])
    const all = [...Object.keys(siteFailpoints), ...withdrawalFailpoints, ...endFailpoints]
    for (const site of faultSites) expect(atPlaces(facts, site)).toEqual(all.filter(wanted).toSorted())
    // Whoever stays away after it contributed is counted; t answers of the others open the sum.
    for (const { who, round } of facts.deaths.filter(({ awayMs }) => awayMs !== undefined)) {
      const state = facts.rounds.find((each) => each.round === round)
      expect(state?.contributors).toContain(who)
      expect(state?.answered).not.toContain(who)
    }
  })

  it('of the coordinator before and after each durable write and each send', async ({ expect }) => {
    const plan = coordinatorKills('north', wanted)
    const facts = await survived(plan)
    expect(killBreaches(facts, plan.kills)).toEqual([])
    expect(runInvariantBreaches(facts)).toEqual([])
    expect(atPlaces(facts, 'coordinator')).toEqual(coordinatorFailpoints.filter(wanted).toSorted())
  })
})
