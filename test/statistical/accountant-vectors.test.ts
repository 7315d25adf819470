import fc from 'fast-check'
import { expect, test } from 'vitest'
import { epsilonPld, epsilonRdp } from '@tributary/shared/dp/accountant'
import { calibrateNoise } from '@tributary/shared/dp/calibrate'
import { epsilonPldOneWay } from '@tributary/shared/dp/pld'
import { delta, epsilon, samplingRate } from '@tributary/shared/units'
import { phaseOf, planOf, type VectorPlan, vectorTest } from '../harness/dp-vectors.ts'
import { deltaOfStep, sampledSteps } from '../harness/sampled-step.ts'

/** Every row of the reference vectors; beside the accountant stand only those that take no time. */
for (const file of ['single', 'hetero'])
  vectorTest<VectorPlan>(`${file}: within 1e-3 of dp-accounting and inside PRV's certified bounds`, file, (rows) => {
    expect(rows.length).toBeGreaterThan(4)
    for (const row of rows) {
      const { phases, delta: bound } = planOf(row)
      const priced = epsilonPld(phases, bound)
      expect.soft(Math.abs(priced - row.eps_pld_upper), row.id).toBeLessThanOrEqual(1e-3)
      expect.soft(priced, `${row.id}: below PRV's lower bound`).toBeGreaterThanOrEqual(row.eps_prv_lower)
      expect.soft(priced, `${row.id}: above PRV's upper bound`).toBeLessThanOrEqual(row.eps_prv_upper)
      expect.soft(epsilonRdp(phases, bound).epsilon / row.eps_rdp_opacus - 1, row.id).toBeGreaterThanOrEqual(-1e-12)
      expect.soft(epsilonRdp(phases, bound).epsilon / row.eps_rdp_opacus - 1, row.id).toBeLessThanOrEqual(1e-6)
    }
  })

interface Group {
  readonly sigma: number
  readonly q: number
  readonly steps: number
  readonly delta: number
  readonly records_per_patient: number
  readonly eps_patient_mog_pld: number
}
vectorTest<Group>('R9 several records a patient: within 1e-3 of the mixture PLD', 'group_patient_level', (rows) => {
  expect(rows.length).toBeGreaterThan(4)
  for (const row of rows) {
    const priced = epsilonPld([phaseOf(row.sigma, row.q, row.steps, row.records_per_patient)], delta(row.delta))
    expect.soft(Math.abs(priced - row.eps_patient_mog_pld), JSON.stringify(row)).toBeLessThanOrEqual(1e-3)
  }
})

interface Target {
  readonly target_eps: number
  readonly delta: number
  readonly q: number
  readonly steps: number
  readonly sigma_pld: number
}
vectorTest<Target>('calibration: within 2e-4 of the reference, never above the target', 'calibration', (rows) => {
  expect(rows.length).toBeGreaterThan(4)
  for (const row of rows) {
    const request = { target: epsilon(row.target_eps), delta: delta(row.delta), samplingRate: samplingRate(row.q) }
    const sigma = calibrateNoise({ ...request, steps: row.steps })
    expect.soft(Math.abs(sigma - row.sigma_pld), JSON.stringify(row)).toBeLessThanOrEqual(2e-4)
    expect.soft(epsilonPld([phaseOf(sigma, row.q, row.steps)], delta(row.delta))).toBeLessThanOrEqual(row.target_eps)
  }
})

test('two hundred random sampled steps are never below the closed form, in either direction', () => {
  fc.assert(
    fc.property(sampledSteps, (step) => {
      for (const direction of ['remove', 'add'] as const) {
        const priced = epsilonPldOneWay([phaseOf(step.sigma, step.q, 1, step.records)], delta(step.delta), direction)
        expect(deltaOfStep(step, priced)[direction]).toBeLessThanOrEqual(step.delta * (1 + 1e-9) + 1e-15)
      }
    }),
    { numRuns: 200 },
  )
})
