import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { phaseOf, planOf, type VectorPlan, vectorTest } from '../../test/harness/dp-vectors.ts'
import { delta, noiseMultiplier } from '../units.ts'
import { epsilonPld, epsilonRdp, priceOf } from './accountant.ts'
import { gaussianEpsilon } from './gaussian.ts'
import { odds } from './odds.ts'
import { epsilonPldOneWay, gridTolerance } from './pld.ts'

describe('price', () => {
  vectorTest<VectorPlan>('is the least of two upper bounds', 'hetero', (rows) => {
    for (const row of rows.filter(({ id }) => id === 'h03' || id === 'h07')) {
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
      { numRuns: 8 },
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

describe('laws of every accountant', () => {
  const plans = fc.record({
    sigma: fc.double({ min: 0.7, max: 8, noNaN: true }),
    q: fc.double({ min: 0.002, max: 0.8, noNaN: true }),
    steps: fc.integer({ min: 1, max: 800 }),
    records: fc.constantFrom(1, 1, 3),
    logDelta: fc.double({ min: -9, max: -4, noNaN: true }),
  })
  type Of = (s: number, rate: number, t: number, k: number, d: number) => number
  const accountants: Record<string, { readonly runs: number; readonly of: Of }> = {
    pld: { runs: 9, of: (s, rate, t, k, d) => epsilonPld([phaseOf(s, rate, t, k)], delta(d)) },
    rdp: { runs: 6, of: (s, rate, t, k, d) => epsilonRdp([phaseOf(s, rate, t, k)], delta(d)).epsilon },
    // Never sampled: the rate plays no part.
    gaussian: { runs: 200, of: (s, _, t, k, d) => gaussianEpsilon(noiseMultiplier(s / (k * Math.sqrt(t))), delta(d)) },
  }
  for (const [name, { runs, of }] of Object.entries(accountants))
    test(`${name}: falls with sigma, rises with sampling, steps, records and 1 / delta`, () => {
      fc.assert(
        fc.property(plans, ({ sigma, q, steps, records, logDelta }) => {
          const bound = 10 ** logDelta
          const base = of(sigma, q, steps, records, bound)
          // Changes of 10 % move epsilon by far more than the grid's tolerance, unless it is next to nothing.
          const more = base < 0.01 ? base - 1e-3 : base * (1 + 1e-4)
          expect(of(sigma * 0.9, q, steps, records, bound)).toBeGreaterThan(more)
          if (name !== 'gaussian') expect(of(sigma, Math.min(1, q * 1.1), steps, records, bound)).toBeGreaterThan(more)
          expect(of(sigma, q, Math.ceil(steps * 1.2), records, bound)).toBeGreaterThan(more)
          expect(of(sigma, q, steps, records + 1, bound)).toBeGreaterThan(more)
          expect(of(sigma, q, steps, records, bound / 3)).toBeGreaterThan(more)
        }),
        { numRuns: runs },
      )
    })

  const mixed = fc.tuple(plans, plans, fc.double({ min: 2, max: 30, noNaN: true }), fc.integer({ min: 1, max: 9 }))
  test('order and splitting change nothing, each direction is at most the price, and PLD lies below RDP', () => {
    fc.assert(
      fc.property(mixed, ([one, two, sigma, times]) => {
        const bound = delta(10 ** one.logDelta)
        const first = phaseOf(one.sigma, one.q, one.steps + 1, one.records)
        const [second, third] = [phaseOf(two.sigma, two.q, two.steps), phaseOf(sigma, 1, times)]
        const whole = epsilonPld([first, second, third], bound)
        const split = [third, { ...first, steps: 1 }, second, { ...first, steps: one.steps }]
        expect(Math.abs(epsilonPld(split, bound) - whole)).toBeLessThan(1e-9 * Math.max(1, whole))
        const rdp = epsilonRdp([first, second, third], bound).epsilon
        expect(Math.abs(epsilonRdp(split, bound).epsilon - rdp)).toBeLessThan(1e-9 * Math.max(1, rdp))
        expect(whole).toBeLessThanOrEqual(rdp + gridTolerance(rdp))
        expect(epsilonPld([first, second], bound)).toBeLessThanOrEqual(whole + gridTolerance(whole))
        for (const direction of ['remove', 'add'] as const)
          expect(epsilonPldOneWay([first, second, third], bound, direction)).toBeLessThanOrEqual(
            whole + gridTolerance(whole),
          )
      }),
      { numRuns: 6 },
    )
  })

  test('without sampling every accountant knows the Gaussian: PLD exactly, RDP never below', () => {
    fc.assert(
      fc.property(plans, ({ sigma, steps, records, logDelta }) => {
        const bound = delta(10 ** logDelta)
        const exact = gaussianEpsilon(noiseMultiplier(sigma / (records * Math.sqrt(steps))), bound)
        const phases = [phaseOf(sigma, 1, steps, records)]
        expect(Math.abs(epsilonPld(phases, bound) - exact)).toBeLessThan(1e-12 * Math.max(1, exact))
        expect(epsilonRdp(phases, bound).epsilon).toBeGreaterThanOrEqual(exact)
      }),
    )
  })
})

describe('R9 group PLD: the same person in several hospitals, or with several rows', () => {
  test('R9 epsilon 3 becomes 6.70, 10.95 and 20.9 in 2, 3 and 5 hospitals at the same delta, not k times 3', () => {
    const of = (k: number) => epsilonPld([phaseOf(1.464, 0.05, 300, k)], delta(1e-5))
    expect(of(1)).toBeCloseTo(3, 2)
    expect(of(2)).toBeCloseTo(6.7, 1.5)
    expect(of(3)).toBeCloseTo(10.95, 1.5)
    expect(of(5)).toBeCloseTo(20.9, 0.5)
    for (const k of [2, 3, 5]) expect(of(k)).toBeGreaterThan(k * of(1))
  })

  test('R9 the group is dearer than one record, and never above the bound of k single steps', () => {
    const groups = fc.record({
      sigma: fc.double({ min: 0.8, max: 6, noNaN: true }),
      q: fc.double({ min: 0.002, max: 0.4, noNaN: true }),
      steps: fc.integer({ min: 1, max: 400 }),
      k: fc.constantFrom(2, 3, 7),
    })
    fc.assert(
      fc.property(groups, ({ sigma, q, steps, k }) => {
        const single = epsilonPld([phaseOf(sigma, q, steps)], delta(1e-8))
        // (epsilon, delta) for one record is (k epsilon, delta sum_i<k e^(i epsilon)) for k (Dwork and Roth 2014, theorem 2.2).
        const larger = Array.from({ length: k }, (_, i) => Math.exp(i * single)).reduce((sum, term) => sum + term, 0)
        fc.pre(1e-8 * larger < 1e-2)
        const group = epsilonPld([phaseOf(sigma, q, steps, k)], delta(1e-8 * larger))
        expect(group).toBeLessThanOrEqual(k * single + gridTolerance(k * single))
        expect(epsilonPld([phaseOf(sigma, q, steps, k)], delta(1e-8))).toBeGreaterThan(single)
      }),
      { numRuns: 8 },
    )
  })

  test('R9 rows that most_rows declares stay bounded where the quadrature does not reach', () => {
    const { pld, rdp } = priceOf([phaseOf(1.1, 0.01, 100, 1000)], delta(1e-5))
    expect(rdp.epsilon).toBeLessThan(Infinity)
    expect(pld).toBeLessThan(rdp.epsilon)
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
