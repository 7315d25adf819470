import { expect, test } from 'vitest'
import { epsilonLowerBound, type Guesses, pValue } from '../../audit/one-run.ts'
import { vectorTest } from '../../harness/dp-vectors.ts'

interface Row extends Guesses {
  readonly delta: number
  readonly significance: number
  readonly eps_lower_one_run: number
  readonly p_value_eps_1: number
  readonly p_value_eps_3: number
}

vectorTest<Row>(
  'one-run audit: p-values and lower bounds are those of JAX-Privacy on all 72 rows',
  'one_run_audit',
  (rows) => {
    expect(rows).toHaveLength(72)
    for (const row of rows) {
      expect(Math.abs(pValue(row, 1, row.delta) / row.p_value_eps_1 - 1)).toBeLessThan(1e-11)
      expect(Math.abs(pValue(row, 3, row.delta) / row.p_value_eps_3 - 1)).toBeLessThan(1e-11)
      expect(Math.abs(epsilonLowerBound(row, row.delta, row.significance) - row.eps_lower_one_run)).toBeLessThan(1e-6)
    }
  },
)

test('one-run audit: nothing is refuted by guesses at random, and little by few', () => {
  expect(epsilonLowerBound({ canaries: 1000, guesses: 100, correct: 50 }, 1e-5, 0.05)).toBe(0)
  expect(epsilonLowerBound({ canaries: 1000, guesses: 4, correct: 4 }, 0, 0.05)).toBe(0)
  expect(pValue({ canaries: 1000, guesses: 0, correct: 0 }, 1, 1e-5)).toBe(1)
})

test('one-run audit: all of n coins guessed refute an epsilon whose own best chance is below the significance', () => {
  for (const n of [20, 500, 8000]) {
    const epsilon = epsilonLowerBound({ canaries: n, guesses: n, correct: n }, 0, 1e-3)
    expect((1 + Math.exp(-epsilon)) ** -n).toBeCloseTo(1e-3, 9)
  }
})
