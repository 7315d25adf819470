import { fc, test as property } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { noiseMultiplier, samplingRate } from '../units.ts'
import { batchCapacity, binomialTail, roomFor, truncationCharge } from './batch-capacity.ts'

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

const anyPlan = {
  promised: fc.integer({ min: 1, max: 1_000_000_000 }),
  q: fc.double({ min: 1e-6, max: 1, noNaN: true }),
  delta: fc.double({ min: 1e-12, max: 1e-3, noNaN: true }),
  attempts: fc.integer({ min: 1, max: 100_000 }),
  records: fc.integer({ min: 1, max: 1024 }),
}
property.prop([
  fc.record({ ...anyPlan, times: fc.oneof(fc.constant(1), fc.double({ min: 1, max: 40, noNaN: true })) }),
])(
  'R10 capacity: mean + 7 sd or all units, and truncation takes at most 1/4096 of delta, promises kept or broken',
  ({ promised, q, delta, attempts, records, times }) => {
    const facts = study(promised, { delta, unit: 'row', records })
    const queries = [query(1, 2), query(q, attempts)]
    const actual = Math.ceil(times * promised)
    const room = roomFor(actual, promised)
    const capacity = batchCapacity(queries[1]!, queries, facts, room)
    expect(capacity).toBeLessThanOrEqual(room)
    expect(capacity).toBeGreaterThanOrEqual(Math.min(room, room * q + 7 * Math.sqrt(room * q * (1 - q))))
    // With this many records of others, the patient's own aside: a table of `actual` and its larger neighbour.
    const dropping = capacity < actual ? binomialTail(actual, q, capacity - records + 1) : 0
    expect(3 * attempts * dropping).toBeLessThanOrEqual(truncationCharge(facts.privacy))
    expect(truncationCharge(facts.privacy)).toBe(delta / 4096)
  },
)

property.prop([fc.record(anyPlan), fc.integer({ min: 0, max: 12 })])(
  'R10 capacity: neighbours on two rungs of the ladder together drop with no more than the charge',
  ({ promised, q, delta, attempts, records }, rungs) => {
    const facts = study(promised, { delta, unit: 'row', records })
    const queries = [query(q, attempts)]
    const sizeOf = (units: number) => batchCapacity(queries[0]!, queries, facts, roomFor(units, promised))
    let full = promised
    for (let rung = 0; rung < rungs; rung++) full = roomFor(full + 1, promised)
    const [without, withThem] = [sizeOf(full), sizeOf(full + records)]
    expect(roomFor(full + records, promised)).toBeGreaterThan(full)
    // Others drawn, of `full`: more than the smaller batch holds, or more than the larger holds beside the patient.
    const fewest = Math.min(without + 1, withThem - records + 1)
    expect(3 * attempts * (fewest > full ? 0 : binomialTail(full, q, fewest))).toBeLessThanOrEqual(
      truncationCharge(facts.privacy),
    )
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

test('R10 capacity: truncation is charged by the exact binomial: every attempt, every site, whatever they hold', () => {
  const [promised, q] = [800, 0.1]
  const queries = [query(q, 50)]
  for (const records of [1, 9])
    for (const actual of [promised, 801, 1000, 1001, 5000]) {
      const facts = study(promised, { unit: 'row', records })
      const capacity = batchCapacity(queries[0]!, queries, facts, roomFor(actual, promised))
      const exact = 50 * 3 * exactTail(actual, q, capacity - records + 1)
      expect(exact).toBeGreaterThan(0)
      expect(exact).toBeLessThanOrEqual(truncationCharge(facts.privacy))
    }
  // The promise's own batch would not do for a larger table.
  const small = batchCapacity(queries[0]!, queries, study(promised), promised)
  expect(50 * 3 * exactTail(1250, q, small)).toBeGreaterThan(truncationCharge(study(promised).privacy))
})

test('R10 capacity: a broken promise moves the size by rungs of a quarter alone', () => {
  expect([0, 99, 100, 101, 125, 126, 157, 158].map((actual) => roomFor(actual, 100))).toEqual([
    100, 100, 100, 125, 125, 157, 157, 197,
  ])
})
