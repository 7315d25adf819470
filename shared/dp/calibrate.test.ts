import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test, vi } from 'vitest'
import { phaseOf, vectorTest } from '../../test/harness/dp-vectors.ts'
import { delta, epsilon, noiseMultiplier, samplingRate } from '../units.ts'
import { epsilonPld } from './accountant.ts'
import { calibrateNoise } from './calibrate.ts'

describe('noise for a target', () => {
  interface Row {
    readonly target_eps: number
    readonly delta: number
    readonly q: number
    readonly steps: number
    readonly sigma_pld: number
  }
  vectorTest<Row>('calibration: within 2e-4 of the reference, never above the target', 'calibration', (rows) => {
    // The rest, with tens of thousands of steps at small rates, is in test/statistical.
    for (const row of rows.filter(({ steps }) => steps <= 1000)) {
      const sigma = calibrateNoise({
        target: epsilon(row.target_eps),
        delta: delta(row.delta),
        samplingRate: samplingRate(row.q),
        steps: row.steps,
      })
      expect.soft(Math.abs(sigma - row.sigma_pld), JSON.stringify(row)).toBeLessThanOrEqual(2e-4)
      expect.soft(epsilonPld([phaseOf(sigma, row.q, row.steps)], delta(row.delta))).toBeLessThanOrEqual(row.target_eps)
    }
  })

  test('besides: the whole plan keeps the target, in any order of phases, and 2e-4 less noise does not', () => {
    const besides = [phaseOf(12, 1, 1), phaseOf(3, 0.01, 50)]
    const request = { target: epsilon(2), delta: delta(1e-6), samplingRate: samplingRate(0.05), steps: 200, besides }
    const sigma = calibrateNoise(request)
    expect(epsilonPld([...besides, phaseOf(sigma, 0.05, 200)], delta(1e-6))).toBeLessThanOrEqual(2)
    expect(epsilonPld([phaseOf(sigma, 0.05, 200), ...besides.toReversed()], delta(1e-6))).toBeLessThanOrEqual(2)
    expect(epsilonPld([...besides, phaseOf(sigma - 2e-4, 0.05, 200)], delta(1e-6))).toBeGreaterThan(2)
    expect(sigma).toBeGreaterThan(calibrateNoise({ ...request, besides: [] }))
  })

  test.each([
    [0.05, 1e-5, 1, 1],
    [0.1, 1e-9, 0.3, 1000],
    [15, 1e-5, 0.5, 3],
    [1, 1e-5, 1e-4, 1],
  ])('epsilon %d at delta %d, rate %d, %d steps', (target, bound, rate, steps) => {
    const sigma = calibrateNoise({
      target: epsilon(target),
      delta: delta(bound),
      samplingRate: samplingRate(rate),
      steps,
    })
    const price = (value: number) => epsilonPld([phaseOf(value, rate, steps)], delta(bound))
    expect(price(sigma)).toBeLessThanOrEqual(target)
    expect(price(sigma * (1 - 1e-5) - 2e-4)).toBeGreaterThan(target)
  })

  // Epsilon is 0 over a wide range of noise where a patient is hardly ever drawn, or delta is large.
  const thin = fc.record({
    target: fc.double({ min: -3, max: 0.5, noNaN: true }).map((power) => 10 ** power),
    bound: fc.double({ min: -5, max: -0.1, noNaN: true }).map((power) => 10 ** power),
    rate: fc.double({ min: -4, max: 0, noNaN: true }).map((power) => 10 ** power),
    steps: fc.integer({ min: 1, max: 300 }),
  })
  property.prop([thin], {
    numRuns: 60,
    examples: [
      [{ target: 0.1, bound: 0.01, rate: 0.001, steps: 10 }],
      [{ target: 0.05, bound: 1e-3, rate: 1e-4, steps: 10 }],
      [{ target: 1, bound: 0.5, rate: 0.05, steps: 300 }],
    ],
  })('thin plans keep the target, and 2e-4 less noise (1e-5 relative) breaks it or is not priced', (plan) => {
    const { target, bound, rate, steps } = plan
    const price = (value: number) => epsilonPld([phaseOf(value, rate, steps)], delta(bound))
    const sigma = calibrateNoise({
      target: epsilon(target),
      delta: delta(bound),
      samplingRate: samplingRate(rate),
      steps,
    })
    expect(price(sigma)).toBeLessThanOrEqual(target)
    const less = sigma * (1 - 1e-5) - 2e-4
    if (less >= 0.01) expect(price(less)).toBeGreaterThan(target)
    else if (sigma > 0.01) expect(price(0.01)).toBeGreaterThan(target)
  })

  test('a target that no noise reaches is refused, not an error of the search', () => {
    const request = { target: epsilon(1e-9), delta: delta(1e-5), samplingRate: samplingRate(1), steps: 1e9 }
    expect(() => calibrateNoise(request)).toThrow(expect.objectContaining({ code: 'PLAN_REFUSED' }))
  })

  test('never below the least noise that is priced, however much may be spent', () => {
    const request = { target: epsilon(1e6), delta: delta(1e-5), samplingRate: samplingRate(1e-3), steps: 1 }
    expect(calibrateNoise(request)).toBe(0.01)
  })

  test.each([1, 1.1, 1.2, 1.3])('what exceeds the target is told as no less than it is: noise %d', (sigma) => {
    const [besides, bound] = [[phaseOf(sigma, 1, 1)], delta(1e-5)]
    const fixed = epsilonPld(besides, bound)
    const request = {
      target: epsilon(fixed * (1 - 1e-9)),
      delta: bound,
      samplingRate: samplingRate(1),
      steps: 1,
      besides,
    }
    const told = vi.fn(() => calibrateNoise(request))
    expect(told).toThrow(/^the other queries alone cost epsilon \S+ of \S+$/)
    const figure = /epsilon (\S+) of/.exec(String(told.mock.results[0]?.value))?.[1]
    expect(Number(figure)).toBeGreaterThanOrEqual(fixed)
  })

  test('refuses when the rest of the plan leaves nothing', () => {
    const request = { target: epsilon(1), delta: delta(1e-5), samplingRate: samplingRate(0.05), steps: 10 }
    expect(() => calibrateNoise({ ...request, besides: [phaseOf(1, 1, 1)] })).toThrow(
      expect.objectContaining({ code: 'PLAN_REFUSED' }),
    )
    expect(() => calibrateNoise({ ...request, delta: delta(0) })).toThrow(
      expect.objectContaining({ code: 'PLAN_REFUSED' }),
    )
    expect(noiseMultiplier(calibrateNoise(request))).toBeGreaterThan(0)
  })
})
