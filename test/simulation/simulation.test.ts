import { randomInt } from 'node:crypto'
import { mostAbsent } from '@tributary/shared/he/thresholds'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { InProcessFederation } from '../harness/in-process-federation.ts'
import { checkInvariants } from '../harness/round-invariants.ts'
import { decidedSchedule, perform, plantSpoiltDeals, schedule } from './schedule.ts'

const seed = Number(process.env.SIMULATION_SEED ?? randomInt(2 ** 31))
const runs = Number(process.env.SIMULATION_RUNS ?? 250)
const decidedRuns = Math.ceil(runs / 3)
/** Some 2 s a schedule where the machine is shared. */
const timeout = 60_000 + runs * 6_000

beforeEach(plantSpoiltDeals)
afterEach(() => vi.restoreAllMocks())

/** R24: every dispute ends, and as nobody lies, no signature proves anybody wrong. How many there were. */
const settledDisputes = async (federation: InProcessFederation): Promise<number> => {
  const { coordinator, study } = federation
  for (let i = 0; i < 60 && coordinator.disputes.pending().length > 0; i++) {
    await perform(federation, { type: 'turn', sites: federation.sites.map((_, place) => place) })
    await federation.advance(20_000)
  }
  const disputes = coordinator.disputes.disputes(study)
  for (const { verdict } of disputes) {
    expect(verdict?.dealer).toMatch(/^(?:sound|unopened)$/)
    for (const { finding } of verdict?.holders ?? []) expect(finding).not.toBe('lied')
  }
  return disputes.length
}

it(`${runs} random schedules of losses, kills and waits keep every rule (SIMULATION_SEED=${seed})`, {
  timeout,
}, async () => {
  const seen = { completed: 0, stopped: 0, siteCrashes: 0, spareAttempts: 0, withoutSome: 0, disputes: 0 }
  await fc.assert(
    fc.asyncProperty(schedule, async ({ sites, isAllNeeded, operations }) => {
      const least = isAllNeeded || sites === 3 ? sites : sites - 1
      const federation = await InProcessFederation.open({
        sites,
        least,
        steps: 2,
        spares: { marginals: 2, gradient: 4 },
      })
      try {
        for (const operation of operations) {
          if (federation.isOver) break
          await perform(federation, operation)
          await checkInvariants(federation)
        }
        await federation.complete()
        await checkInvariants(federation)
        const { outcome, reason, attempts, step } = federation.outcome
        if (outcome === 'completed') expect(step).toBe(federation.steps)
        else expect(reason).toContain('ATTEMPTS_EXHAUSTED')
        seen[outcome === 'completed' ? 'completed' : 'stopped']++
        seen.disputes += await settledDisputes(federation)
        await checkInvariants(federation)
        seen.siteCrashes += federation.sites.reduce((sum, site) => sum + site.crashes, 0)
        seen.spareAttempts += attempts.reduce((sum, used) => sum + used, 0) - step
        seen.withoutSome += federation.coordinator.opened.filter(
          ({ contributors }) => contributors.length < sites,
        ).length
      } finally {
        federation.close()
      }
    }),
    { seed, numRuns: runs, endOnFailure: process.env.SIMULATION_SHRINK === undefined },
  )
  process.stdout.write(`${JSON.stringify({ seed, runs, ...seen })}\n`)
  // A schedule that nothing happens in proves nothing.
  expect(seen.completed).toBeGreaterThan(runs / 4)
  for (const often of [seen.siteCrashes, seen.spareAttempts, seen.withoutSome, seen.disputes])
    expect(often).toBeGreaterThan(runs / 20)
})

it(`${decidedRuns} with pauses, revocations and removals in between: nothing leaves a site that did not approve (SIMULATION_SEED=${seed})`, {
  timeout,
}, async () => {
  const seen = {
    completed: 0,
    stopped: 0,
    waiting: 0,
    paused: 0,
    revoked: 0,
    expelled: 0,
    removed: 0,
    withoutSome: 0,
    disputes: 0,
  }
  await fc.assert(
    fc.asyncProperty(decidedSchedule, async ({ sites, operations }) => {
      const least = sites - mostAbsent(sites, 0)
      const federation = await InProcessFederation.open({
        sites,
        least,
        steps: 2,
        spares: { marginals: 3, gradient: 6 },
      })
      const { coordinator } = federation
      try {
        for (const operation of operations) {
          if (federation.isOver) break
          await perform(federation, operation)
          await checkInvariants(federation)
        }
        // What can be taken back is; who is left then goes on, if enough are.
        for (const site of federation.sites) {
          if (!site.isApproved && !site.isRevoked) seen.paused++
          site.gate.killWhere(() => false) // nothing more is decided
          site.decide('resumed')
        }
        const members = new Set(coordinator.studies.latestRoster()?.roster.members.map(({ site }) => site))
        const standing = federation.sites.filter(
          ({ name, isRevoked }) => !isRevoked && members.has(name) && !coordinator.revoked.has(name),
        )
        federation.faults.clear()
        // Fewer could not check or answer either (R7): the study waits for the others before anybody is charged.
        const needed = Math.max(least, federation.manifest.plan.threshold)
        // Long enough for every spare attempt to wait for its deadlines.
        for (let i = 0; i < 600 && !federation.isOver; i++) {
          const names = federation.sites.map((_, place) => place)
          await perform(federation, { type: 'turn', sites: names })
          await federation.advance(20_000)
          await checkInvariants(federation)
          if (standing.length < needed && i > 30) break
        }
        const { outcome, reason, step } = federation.outcome
        if (outcome === 'completed') expect(step).toBe(federation.steps)
        else if (outcome === 'stopped') expect(reason).toMatch(/ATTEMPTS_EXHAUSTED|ROSTER_REFUSED/)
        else expect(standing.length).toBeLessThan(needed)
        seen[outcome === 'completed' || outcome === 'stopped' ? outcome : 'waiting']++
        seen.disputes += await settledDisputes(federation)
        await checkInvariants(federation)
        seen.revoked += federation.sites.filter(({ isRevoked }) => isRevoked).length
        seen.expelled += coordinator.revoked.size
        seen.removed += sites - members.size
        seen.withoutSome += coordinator.opened.filter(({ contributors }) => contributors.length < sites).length
      } finally {
        federation.close()
      }
    }),
    { seed, numRuns: decidedRuns, endOnFailure: process.env.SIMULATION_SHRINK === undefined },
  )
  process.stdout.write(`${JSON.stringify({ seed, runs: decidedRuns, ...seen })}\n`)
  expect(seen.completed).toBeGreaterThan(decidedRuns / 4)
  for (const often of [seen.paused, seen.revoked, seen.expelled, seen.removed, seen.withoutSome, seen.disputes])
    expect(often).toBeGreaterThan(decidedRuns / 20)
})
