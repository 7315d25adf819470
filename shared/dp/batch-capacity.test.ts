import { fc, test as property } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { noiseMultiplier, samplingRate } from '../units.ts'
import { batchCapacity, binomialTail, roomFor, truncationMass } from './batch-capacity.ts'

const study = (units: number, overrides: { delta?: number; unit?: 'row' | 'patient'; records?: number } = {}) => ({
  privacy: {
    unit: overrides.unit ?? ('patient' as const),
    epsilon: 3,
    delta: overrides.delta ?? 1e-5,
    ...(overrides.records === undefined ? {} : { most_rows_per_patient: overrides.records }),
  },
  sites: ['a', 'b', 'c'].map((name) => ({ name, promised_patients: units, promised_rows: units })),
})
const query = (rate: number, attempts = 306) => ({
  samplingRate: samplingRate(rate),
  noiseMultiplier: noiseMultiplier(1),
  attempts,
})

/** By adding up every term, from the ratio of successive ones: no formula of the code under test. */
const exactTail = (n: number, q: number, k: number): number => {
  const terms = [n * Math.log1p(-q)]
  for (let i = 1; i <= n; i++) terms.push(terms[i - 1]! + Math.log(((n - i + 1) / i) * (q / (1 - q))))
  return terms.slice(k).reduceRight((sum, term) => sum + Math.exp(term), 0)
}

property.prop([fc.integer({ min: 1, max: 3000 }), fc.double({ min: 0.001, max: 0.9, noNaN: true }), fc.nat(12)])(
  'R10 capacity: the tail is an upper bound, and close',
  (n, q, deviations) => {
    const k = Math.ceil(n * q + deviations * Math.sqrt(n * q * (1 - q)))
    const exact = exactTail(n, q, k)
    expect(binomialTail(n, q, k)).toBeGreaterThanOrEqual(exact * (1 - 1e-9))
    if (deviations >= 4 && n * q * (1 - q) > 10) expect(binomialTail(n, q, k)).toBeLessThanOrEqual(1.1 * exact + 1e-300)
  },
)

property.prop([
  fc.integer({ min: 1, max: 1_000_000_000 }),
  fc.double({ min: 1e-6, max: 1, noNaN: true }),
  fc.double({ min: 1e-12, max: 1e-3, noNaN: true }),
  fc.integer({ min: 1, max: 100_000 }),
  fc.integer({ min: 1, max: 1024 }),
])(
  'R10 capacity: mean + 7 sd or all units, and truncation takes at most 1/4096 of delta',
  (n, q, delta, attempts, records) => {
    const facts = study(n, { delta, unit: 'row', records })
    const queries = [query(1, 2), query(q, attempts)]
    const capacity = batchCapacity(queries[1]!, queries, facts, n)
    expect(capacity).toBeLessThanOrEqual(n)
    expect(capacity).toBeGreaterThanOrEqual(Math.min(n, n * q + 7 * Math.sqrt(n * q * (1 - q))))
    expect(truncationMass(queries, facts)).toBeLessThanOrEqual(delta / 4096)
  },
)

test('R10 capacity: costs little more than 7 sd where the draw is large, and everybody has room at rate 1', () => {
  const queries = [query(1, 2), query(0.05)]
  for (const [n, most] of [
    [1_000, 9.5],
    [20_000, 7.6],
    [1_000_000, 7.2],
  ] as const) {
    const capacity = batchCapacity(queries[1]!, queries, study(n), n)
    expect((capacity - 0.05 * n) / Math.sqrt(n * 0.05 * 0.95)).toBeLessThan(most)
    expect(batchCapacity(queries[0]!, queries, study(n), n)).toBe(n)
  }
})

test('R10 capacity: truncation is charged by the exact binomial: promised units, every attempt, every site', () => {
  const [n, q] = [800, 0.1]
  const queries = [query(q, 50)]
  const capacity = batchCapacity(queries[0]!, queries, study(n), n)
  const mass = truncationMass(queries, study(n))
  const exact = 50 * 3 * exactTail(n, q, capacity)
  expect(mass).toBeGreaterThan(0)
  expect(mass / exact).toBeGreaterThanOrEqual(1)
  expect(mass / exact).toBeLessThan(1.1)
  // A patient of several rows: everything that the others and all of them may fill.
  const rows = study(n, { unit: 'row', records: 9 })
  const room = batchCapacity(queries[0]!, queries, rows, n)
  expect(truncationMass(queries, rows) / (50 * 3 * exactTail(n, q, room - 8))).toBeGreaterThanOrEqual(1)
  expect(room).toBeGreaterThan(capacity)
})

test('R10 capacity: a broken promise moves the size by rungs of a quarter alone', () => {
  expect([0, 99, 100, 101, 125, 126, 157, 158].map((actual) => roomFor(actual, 100))).toEqual([
    100, 100, 100, 125, 125, 157, 157, 197,
  ])
})
