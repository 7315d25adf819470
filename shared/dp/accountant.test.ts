import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { phaseOf, planOf, type VectorPlan, vectorTest } from '../../test/harness/dp-vectors.ts'
import { delta, noiseMultiplier } from '../units.ts'
import { epsilonPld, epsilonRdp, priceOf } from './accountant.ts'
import { gaussianEpsilon } from './gaussian.ts'
import { odds } from './odds.ts'

describe('price', () => {
  vectorTest<VectorPlan>('is the least of two upper bounds on every row', 'hetero', (rows) => {
    for (const row of rows) {
      const { phases, delta } = planOf(row)
      const price = priceOf(phases, delta)
      expect(price.epsilon).toBe(Math.min(price.pld, price.rdp.epsilon))
      expect(price.epsilon).toBeGreaterThanOrEqual(row.eps_prv_lower)
    }
  })

  test('a plan without sampling is priced exactly', () => {
    expect(priceOf([phaseOf(5, 1, 100)], delta(1e-5)).pld).toBeCloseTo(
      gaussianEpsilon(noiseMultiplier(0.5), delta(1e-5)),
      12,
    )
  })

  test('the accountants never disagree on mixed plans, from tiny to absurd', () => {
    const phases = fc.array(
      fc
        .record({
          logSigma: fc.double({ min: -0.4, max: 1.8, noNaN: true }),
          logRate: fc.double({ min: -4, max: 0, noNaN: true }),
          steps: fc.integer({ min: 1, max: 3000 }),
          records: fc.constantFrom(1, 1, 1, 2, 9),
        })
        .map(({ logSigma, logRate, steps, records }) => phaseOf(10 ** logSigma, 10 ** logRate, steps, records)),
      { minLength: 1, maxLength: 3 },
    )
    fc.assert(
      fc.property(phases, fc.double({ min: -12, max: -3, noNaN: true }), (plan, logDelta) => {
        const { epsilon, pld } = priceOf(plan, delta(10 ** logDelta))
        expect(Number.isFinite(pld)).toBe(true)
        expect(epsilon).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 12 },
    )
  })

  test('rare large losses over many steps: the window reaches far above epsilon', () => {
    const { pld, rdp } = priceOf([phaseOf(0.394, 0.0031, 4072, 7)], delta(1e-9))
    expect(pld).toBeLessThan(rdp.epsilon)
    expect(pld).toBeGreaterThan(0.5 * rdp.epsilon)
  })

  test('the empty plan is free', () => {
    expect(priceOf([], delta(1e-5)).epsilon).toBe(0)
  })
})

describe('exact Gaussian', () => {
  interface Row {
    readonly sigma: number
    readonly delta: number
    readonly eps_exact: number
  }
  vectorTest<Row>('within 1e-9 of the reference', 'gaussian_exact', (rows) => {
    expect(rows.length).toBeGreaterThan(50)
    for (const row of rows) {
      const epsilon = gaussianEpsilon(noiseMultiplier(row.sigma), delta(row.delta))
      expect.soft(Math.abs(epsilon - row.eps_exact), JSON.stringify(row)).toBeLessThan(1e-9)
    }
  })
})

describe('more noise costs less; more data, more steps, a smaller delta cost more', () => {
  const plans = fc.record({
    sigma: fc.double({ min: 0.7, max: 8, noNaN: true }),
    q: fc.double({ min: 0.002, max: 0.8, noNaN: true }),
    steps: fc.integer({ min: 1, max: 800 }),
    records: fc.constantFrom(1, 1, 3),
    logDelta: fc.double({ min: -9, max: -4, noNaN: true }),
  })
  const accountants: Record<string, typeof epsilonPld> = {
    pld: epsilonPld,
    rdp: (phases, bound) => epsilonRdp(phases, bound).epsilon,
  }
  for (const [name, epsilonOf] of Object.entries(accountants))
    test(name, () => {
      fc.assert(
        fc.property(plans, ({ sigma, q, steps, records, logDelta }) => {
          const of = (s: number, rate: number, t: number, k: number, d: number) =>
            epsilonOf([phaseOf(s, rate, t, k)], delta(d))
          const bound = 10 ** logDelta
          const base = of(sigma, q, steps, records, bound)
          // Changes of 10 % move epsilon by far more than the grid's tolerance, unless it is next to nothing.
          const more = base < 0.01 ? base - 1e-3 : base * (1 + 1e-4)
          expect(of(sigma * 0.9, q, steps, records, bound)).toBeGreaterThan(more)
          expect(of(sigma, Math.min(1, q * 1.1), steps, records, bound)).toBeGreaterThan(more)
          expect(of(sigma, q, Math.ceil(steps * 1.2), records, bound)).toBeGreaterThan(more)
          expect(of(sigma, q, steps, records + 1, bound)).toBeGreaterThan(more)
          expect(of(sigma, q, steps, records, bound / 3)).toBeGreaterThan(more)
        }),
        { numRuns: name === 'pld' ? 15 : 6 },
      )
    })
})

describe('odds', () => {
  test('epsilon 1 takes one half to 73 %, epsilon 0 changes nothing', () => {
    expect(odds(1, 0.5)).toBeCloseTo(0.7310585786300049, 15)
    expect(odds(0, 0.2)).toBeCloseTo(0.2, 15)
    expect(odds(2000, 0.001)).toBe(1)
    expect(odds(5, 0)).toBe(0)
  })
  test('is e^epsilon in odds', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 20, noNaN: true }),
        fc.double({ min: 1e-6, max: 0.999, noNaN: true }),
        (epsilon, prior) => {
          const after = odds(epsilon, prior)
          expect(after).toBeGreaterThanOrEqual(prior * (1 - 1e-12))
          expect(after).toBeCloseTo((Math.exp(epsilon) * prior) / (1 - prior + Math.exp(epsilon) * prior), 12)
        },
      ),
    )
  })
  test.each([
    [-1, 0.5],
    [1, 1.2],
    [Number.NaN, 0.5],
  ])('odds(%d, %d) is refused', (epsilon, prior) => {
    expect(() => odds(epsilon, prior)).toThrow(expect.objectContaining({ code: 'UNIT_OUT_OF_RANGE' }))
  })
})
