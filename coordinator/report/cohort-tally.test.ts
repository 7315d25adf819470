import { fc, test } from '@fast-check/vitest'
import type { Column } from '@tributary/shared/schema/column'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { describe, expect, it } from 'vitest'
import { correctedCramersV } from './association.ts'
import { CohortTally } from './cohort-tally.ts'

const column = (name: string, size: number): Column => ({
  name,
  kind: 'categorical',
  levels: Array.from({ length: size }, (_, i) => `${name}${i}`),
  ordered: false,
  numeric_text: false,
  missing: 'refuse',
  other: 'refuse',
  missingTexts: [],
})

const tallyOf = (sizes: readonly number[], rows: readonly (readonly number[])[]) => {
  const tally = new CohortTally(sizes.map((size, i) => column(`c${i}`, size)))
  tally.add({ rows: rows.length, codes: Uint16Array.from(rows.flat()) })
  return tally
}

describe('correctedCramersV', () => {
  it('equals a table worked out by hand', () => {
    // 20 10 / 10 20: chi^2 = 4 x (5^2 / 15) = 6.6667, phi^2 = 1/9; less 1/59, over (2 - 1/59 - 1).
    const expected = Math.sqrt((1 / 9 - 1 / 59) / (1 - 1 / 59))
    expect(expected).toBeCloseTo(0.309492, 6)
    expect(correctedCramersV([20, 10, 10, 20], 2, 2)).toBeCloseTo(expected, 12)
    // A level that never occurs changes nothing.
    expect(correctedCramersV([20, 10, 0, 10, 20, 0], 2, 3)).toBeCloseTo(expected, 12)
  })

  it('is 1 where each column decides the other, 0 for a table that is exactly independent', () => {
    expect(correctedCramersV([30, 0, 0, 0, 20, 0, 0, 0, 50], 3, 3)).toBeCloseTo(1, 12)
    expect(correctedCramersV([12, 18, 28, 42], 2, 2)).toBe(0)
  })

  it('has nothing to say about a constant column or one row', () => {
    expect(correctedCramersV([5, 7], 1, 2)).toBeNaN()
    expect(correctedCramersV([5, 7, 0, 0], 2, 2)).toBeNaN()
    expect(correctedCramersV([1, 0, 0, 0], 2, 2)).toBeNaN()
  })

  it('stays near 0 for independent columns of many levels, where the uncorrected V does not', () => {
    const random = counterRandom(11, 0)
    const rows = Array.from({ length: 5000 }, (_, i) => [0, 1].map((j) => Math.floor(20 * random.uniform(i, j))))
    const value = tallyOf([20, 20], rows).association()[1]
    expect(value).toBeLessThan(0.03) // uncorrected: about sqrt(19 / 5000) = 0.06
  })
})

describe('CohortTally', () => {
  test.prop([
    fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }).chain((sizes) =>
      fc.record({
        sizes: fc.constant(sizes),
        rows: fc.array(fc.tuple(...sizes.map((size) => fc.nat(size - 1))), { maxLength: 40 }),
        cut: fc.nat(40),
      }),
    ),
  ])('counts the same however the rows are batched, and as a plain count does', ({ sizes, rows, cut }) => {
    const whole = tallyOf(sizes, rows)
    const parts = tallyOf(sizes, rows.slice(0, cut))
    parts.add({ rows: rows.slice(cut).length, codes: Uint16Array.from(rows.slice(cut).flat()) })
    expect(parts.rows).toBe(rows.length)
    expect(parts.association()).toEqual(whole.association())
    sizes.forEach((size, j) => {
      const counted = Array.from({ length: size }, (_, code) => rows.filter((row) => row[j] === code).length)
      expect([...parts.counts(j)]).toEqual(counted)
      for (let i = 0; i < j; i++) {
        const table = new Float64Array(sizes[i]! * size)
        for (const row of rows) table[row[i]! * size + row[j]!]!++
        expect(whole.association()[i * sizes.length + j]).toBe(correctedCramersV(table, sizes[i]!, size))
      }
    })
  })

  it('refuses codes outside their column and half rows, and counts nothing of that batch', () => {
    const tally = tallyOf([2, 3], [[1, 2]])
    expect(() => tally.add({ rows: 2, codes: Uint16Array.of(0, 0, 2, 0) })).toThrow(/not below 2/)
    expect(() => tally.add({ rows: 2, codes: Uint16Array.of(0, 0, 1) })).toThrow(/2 rows of 2 columns/)
    expect(tally.rows).toBe(1)
    expect([...tally.counts(0)]).toEqual([0, 1])
  })

  it('leaves out the pairs of columns that would not fit in memory, and says which', () => {
    const tally = new CohortTally([column('a', 2), column('wide', 60_000), column('wider', 60_000), column('b', 2)])
    expect(tally.paired).toBe(2)
    for (let i = 0; i < 5; i++) tally.add({ rows: 2, codes: Uint16Array.of(0, 0, 0, 0, 1, 1, 1, 1) })
    const values = tally.association()
    expect(values[1]).toBeCloseTo(1, 12)
    expect([values[2], values[3], values[2 * 4 + 3]]).toEqual([Number.NaN, Number.NaN, Number.NaN])
    expect([...tally.counts(3)]).toEqual([5, 5])
    expect(new CohortTally(Array.from({ length: 70 }, (_, i) => column(`c${i}`, 2))).paired).toBe(64)
  })
})
