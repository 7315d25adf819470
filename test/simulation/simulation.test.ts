import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { InProcessFederation } from '../harness/in-process-federation.ts'
import { checkInvariants } from '../harness/round-invariants.ts'
import { perform, schedule } from './schedule.ts'

const seed = Number(process.env.SIMULATION_SEED ?? randomInt(2 ** 31))
const runs = Number(process.env.SIMULATION_RUNS ?? 250)

it(`${runs} random schedules of losses, kills and waits keep every rule (SIMULATION_SEED=${seed})`, async () => {
  const seen = { completed: 0, stopped: 0, siteCrashes: 0, spareAttempts: 0, withoutSome: 0 }
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
          checkInvariants(federation)
        }
        await federation.complete()
        checkInvariants(federation)
        const { outcome, reason, attempts, step } = federation.outcome
        if (outcome === 'completed') expect(step).toBe(federation.steps)
        else expect(reason).toContain('ATTEMPTS_EXHAUSTED')
        seen[outcome === 'completed' ? 'completed' : 'stopped']++
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
  for (const often of [seen.siteCrashes, seen.spareAttempts, seen.withoutSome]) expect(often).toBeGreaterThan(runs / 20)
})
