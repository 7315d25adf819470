import { fc, test as property } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { delta, epsilon, noiseMultiplier, samplingRate } from '../units.ts'
import { priceOf } from './accountant.ts'
import { gaussianEpsilon } from './gaussian.ts'
import type { Phase } from './phase.ts'
import { type FilterCap, type FilteredPlan, renyiEpsilon } from './renyi-filter.ts'

const phase = (sigma: number, q: number, steps: number, recordsPerUnit = 1): Phase => ({
  noiseMultiplier: noiseMultiplier(sigma),
  samplingRate: samplingRate(q),
  steps,
  ...(recordsPerUnit > 1 && { recordsPerUnit }),
})
const plan = (...phases: Phase[]): FilteredPlan => ({ phases, distance: 0, delta: 1e-5 })
const cap = (bound: number, at = 1e-5): FilterCap => ({ epsilon: epsilon(bound), delta: delta(at) })

const plans = fc.array(
  fc.record({
    sigma: fc.double({ min: 0.8, max: 12, noNaN: true }),
    q: fc.constantFrom(0.01, 0.05, 0.2, 1),
    steps: fc.integer({ min: 1, max: 120 }),
    records: fc.constantFrom(1, 1, 1, 3),
  }),
  { minLength: 1, maxLength: 5 },
)
const bound = fc.double({ min: 0.3, max: 12, noNaN: true })

let admitted = 0
property.prop([plans, fc.integer({ min: 1, max: 4 }), fc.double({ min: 1, max: 3, noNaN: true })], { numRuns: 60 })(
  'R18 filter: whatever it admits, all phases together, composed by PLD, stay within the cap',
  (drawn, times, factor) => {
    const offered = drawn.map(({ sigma, q, steps, records }) => plan(phase(sigma, q, steps, records)))
    // A cap that the first study is a good part of, and several like it, so that the filter decides at its edge.
    const wanted = Math.min(40, factor * priceOf(offered[0]!.phases, delta(1e-5)).epsilon)
    const chosen: FilteredPlan[] = []
    for (const each of offered.flatMap((offer) => Array.from({ length: times }, () => offer))) {
      const next = [...chosen, each]
      if (renyiEpsilon(next, cap(wanted)) <= wanted) chosen.push(next.at(-1)!)
    }
    if (chosen.length === 0) return
    admitted++
    const { pld } = priceOf(
      chosen.flatMap(({ phases }) => phases),
      delta(1e-5),
    )
    expect(pld).toBeLessThanOrEqual(wanted * (1 + 1e-3))
  },
)

test('R18 filter: the property above looked at sets that were admitted', () => {
  expect(admitted).toBeGreaterThan(20)
})

property.prop([plans, bound], { numRuns: 20 })(
  'R18 filter: its figure only grows with every study',
  (drawn, wanted) => {
    let before = 0
    const chosen: FilteredPlan[] = []
    for (const { sigma, q, steps, records } of drawn) {
      chosen.push(plan(phase(sigma, q, steps, records)))
      const together = renyiEpsilon(chosen, cap(wanted))
      expect(together).toBeGreaterThanOrEqual(before)
      before = together
    }
  },
)

test('R18 filter: one study costs more than its own price, twenty far less than their sum', () => {
  const study = plan(phase(1.5, 0.05, 300))
  const alone = priceOf(study.phases, delta(1e-5)).epsilon
  expect(renyiEpsilon([study], cap(8))).toBeGreaterThan(alone)
  const twenty = renyiEpsilon(
    Array.from({ length: 20 }, () => study),
    cap(20 * alone),
  )
  expect(twenty).toBeLessThan(0.5 * 20 * alone)
  const together = priceOf([{ ...phase(1.5, 0.05, 300), steps: 6000 }], delta(1e-5)).epsilon
  expect(twenty).toBeGreaterThan(together)
  expect(twenty).toBeLessThan(1.25 * together)
})

test('R18 filter: Gaussian releases that use up the cap cost at most a fifth more than the exact figure', () => {
  for (const [steps, sigma] of [
    [4, 10],
    [30, 10],
    [100, 8],
  ] as const) {
    const exact = gaussianEpsilon(noiseMultiplier(sigma / Math.sqrt(steps)), delta(1e-5))
    const figure = renyiEpsilon([plan(phase(sigma, 1, steps))], cap(exact * 1.1))
    expect(figure).toBeGreaterThan(exact)
    expect(figure).toBeLessThan(exact * 1.2)
  }
})

test('R18 filter: the orders are those of the cap, so two caps may give two figures, and neither is below PLD', () => {
  const study = plan(phase(2, 0.05, 300), phase(12, 1, 2))
  const exact = priceOf(study.phases, delta(1e-5)).epsilon
  for (const wanted of [0.5, 2, 8, 30]) expect(renyiEpsilon([study], cap(wanted))).toBeGreaterThan(exact)
})

test('R20 filter: the samplers’ distances come out of delta, for all studies together, and too much is refused', () => {
  const far = (distance: number): FilteredPlan => ({ phases: [phase(10, 1, 4)], distance, delta: 1e-5 })
  const most = 1e-5 / 8 / (1 + Math.exp(2))
  expect(renyiEpsilon([far(0.45 * most), far(0.45 * most)], cap(2))).toBeLessThan(2)
  expect(renyiEpsilon([far(0.45 * most), far(0.6 * most)], cap(2))).toBe(Infinity)
  expect(renyiEpsilon([far(0)], cap(2, 0))).toBe(Infinity)
})

test('R20 filter: draws that batches drop come out of delta too: the delta of the studies, which may be far above the cap’s', () => {
  const study = (at: number): FilteredPlan => ({ phases: [phase(10, 1, 4)], distance: 0, delta: at })
  // A study's dropped draws may cost delta / 4096; an eighth of the cap's delta pays for samplers and them.
  const most = (4096 / 8) * 1e-7
  expect(renyiEpsilon([study(0.5 * most), study(0.49 * most)], cap(4, 1e-7))).toBeLessThan(4)
  expect(renyiEpsilon([study(0.5 * most), study(0.51 * most)], cap(4, 1e-7))).toBe(Infinity)
  const half = { ...study(0.5 * most), distance: 0.55e-7 / 8 / (1 + Math.exp(4)) }
  expect(renyiEpsilon([half], cap(4, 1e-7))).toBe(Infinity)
})

test('R22 filter: a patient is trained on or held out; the dearer part counts, not both', () => {
  const scores = { ...phase(5, 1, 2), heldOut: true as const }
  const training = phase(4, 1, 2)
  const both = renyiEpsilon([{ phases: [training, scores], distance: 0, delta: 1e-5 }], cap(3))
  expect(both).toBe(renyiEpsilon([plan(training)], cap(3)))
})
