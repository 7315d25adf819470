import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import type { ColumnSpec } from '../../study/study-schema.ts'
import { layoutOf } from '../cells.ts'
import type { Batch } from '../family.ts'
import { pairLayoutOf } from './pair-layout.ts'
import { type PairQuestion, pairQuestion, pairSum } from './pair-sum.ts'
import { mostSquaredLength, pairWeights, squaredLength, weightsOf } from './pair-weights.ts'

const column = (name: string, size: number): ColumnSpec => ({
  name,
  kind: 'categorical',
  levels: Array.from({ length: size }, (_, i) => `${name}${i}`),
  ordered: false,
  numeric_text: false,
  missing: 'refuse',
  other: 'refuse',
})
const columns = [column('a', 3), column('b', 2), column('c', 5)]
const sizes = [3, 2, 2]
const map = [0, 1, 2, 0, 1, 0, 0, 0, 1, 1]
const weights = [0.5, 0.25, 0.5]
const ask = (numbers: readonly number[] = [...map, ...weights]) =>
  pairQuestion(columns, sizes, Float32Array.from(numbers))
const batchOf = (units: readonly (readonly (readonly number[])[])[], padding: readonly number[] = []): Batch => ({
  cells: Uint16Array.from([...units.flat(2), ...padding]),
  drawn: units.flat().length,
  rowsPerUnit: Uint32Array.from(units, (unit) => unit.length),
  counts: null,
})
const layoutOfPairs = pairLayoutOf(layoutOf(sizes))
const norm = (vector: Float64Array) => Math.hypot(...vector)
const minus = (left: Float64Array, right: Float64Array) => left.map((value, i) => value - right[i]!)

describe('pairSum', () => {
  it('is weighted pairs of groups beyond their margins, blocks in order, row-major', () => {
    const { sum, sensitivity } = pairSum(ask(), batchOf([[[2, 1, 4]], [[0, 1, 1]], [[2, 0, 1]]]))
    const expected: number[] = []
    const rows = [
      [2, 1, 1],
      [0, 1, 0],
      [2, 0, 0],
    ] as const
    for (const [i, j, weight] of [
      [0, 1, 0.5],
      [0, 2, 0.25],
      [1, 2, 0.5],
    ] as const)
      for (let x = 0; x < sizes[i]!; x++)
        for (let y = 0; y < sizes[j]!; y++) {
          const of = (row: readonly number[]) =>
            ((row[i] === x ? 1 : 0) - 1 / sizes[i]!) * ((row[j] === y ? 1 : 0) - 1 / sizes[j]!)
          expected.push(weight * rows.reduce((total, row) => total + of(row), 0))
        }
    sum.forEach((value, cell) => {
      expect(value).toBeCloseTo(expected[cell]!, 12)
    })
    expect(sum).toHaveLength(expected.length)
    expect(sensitivity).toBe(1)
  })

  it.each([200, 300])('counts every row of a large block once: %i groups a side', (groups) => {
    const wide = [column('a', groups), column('b', groups)]
    const map = wide.flatMap(() => Array.from({ length: groups }, (_, code) => code))
    const asked = pairQuestion(wide, [groups, groups], Float32Array.from([...map, 0.5]))
    const rows = [...Array.from({ length: 7 }, () => [3, 5]), [groups - 1, 0]]
    const { sum } = pairSum(asked, batchOf(rows.map((row) => [row])))
    const mean = rows.length / groups ** 2
    const beyond = (count: number, ofRow: number, ofColumn: number) =>
      0.5 * (count - ofRow / groups - ofColumn / groups + mean)
    expect(sum[3 * groups + 5]).toBeCloseTo(beyond(7, 7, 7), 12)
    expect(sum[(groups - 1) * groups]).toBeCloseTo(beyond(1, 1, 1), 12)
    expect(sum[3 * groups]).toBeCloseTo(beyond(0, 7, 1), 12)
    expect(sum[0]).toBeCloseTo(beyond(0, 0, 1), 12)
  })

  it('takes the mean over the rows of a unit', () => {
    const sumOf = (...rows: number[][]) => pairSum(ask(), batchOf([rows])).sum
    const [one, other] = [sumOf([0, 0, 0]), sumOf([2, 0, 0])]
    sumOf([0, 0, 0], [2, 0, 0], [2, 0, 0], [2, 0, 0]).forEach((value, cell) => {
      expect(value).toBeCloseTo(0.25 * one[cell]! + 0.75 * other[cell]!, 12)
    })
  })

  it('takes each row as a unit without counts, and nothing of a row outside the layout', () => {
    const batch = { cells: Uint16Array.of(0, 0, 0, 0, 0, 5, 3, 0, 0), drawn: 3, rowsPerUnit: null, counts: null }
    expect(pairSum(ask(), batch).sum).toEqual(
      pairSum(ask(), { ...batch, cells: batch.cells.subarray(0, 3), drawn: 1 }).sum,
    )
  })

  it('R10: padding adds nothing, whatever it holds', () => {
    const units = [
      [[1, 1, 1]],
      [
        [0, 0, 4],
        [2, 1, 0],
      ],
    ]
    expect(pairSum(ask(), batchOf(units, [1, 1, 1, 9, 9, 9, 0, 0, 0])).sum).toEqual(pairSum(ask(), batchOf(units)).sum)
    const marked = { cells: Uint16Array.of(1, 1, 1, 0, 0, 0), drawn: 2, rowsPerUnit: null, counts: Uint8Array.of(1, 0) }
    expect(pairSum(ask(), marked).sum).toEqual(pairSum(ask(), batchOf([[[1, 1, 1]]])).sum)
  })

  const row = fc.tuple(fc.nat(3), fc.nat(2), fc.nat(5))
  const unit = fc.array(row, { minLength: 0, maxLength: 9 })
  const question = fc
    .record({
      groups: fc.tuple(
        fc.array(fc.nat(2), { minLength: 3, maxLength: 3 }),
        fc.array(fc.nat(1), { minLength: 7, maxLength: 7 }),
      ),
      precision: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
    })
    .map(({ groups, precision }) => ask([...groups.flat(), ...weightsOf(layoutOfPairs, Float64Array.from(precision))]))

  test.prop([fc.array(unit, { maxLength: 12 }), unit, question])(
    'moves by at most 1 when a unit of any number of rows joins, whatever was announced',
    (units, joining, asked: PairQuestion) => {
      const without = pairSum(asked, batchOf(units))
      const difference = minus(pairSum(asked, batchOf([joining, ...units])).sum, without.sum)
      expect(norm(difference)).toBeLessThanOrEqual(without.sensitivity)
    },
  )

  it('the bound is reached but for the slack: one row of full weight', () => {
    const spread = ask([...map, ...pairWeights(layoutOfPairs, 0.5, 0, 3)])
    const length = norm(pairSum(spread, batchOf([[[0, 0, 0]]])).sum)
    expect(length).toBeLessThanOrEqual(1 - 2 ** -10)
    expect(length).toBeGreaterThan(1 - 2 ** -10 - 2 ** -18)
  })
})

describe('pairQuestion', () => {
  const refuses = (numbers: readonly number[]) =>
    expect(() => ask(numbers)).toThrow(expect.objectContaining({ code: 'ROUND_REFUSED' }))

  it('R14: refuses before any row what would let one patient count for more', () => {
    const full = Math.sqrt(mostSquaredLength / ((1 - 1 / 3) * (1 - 1 / 2)))
    expect(() => ask([...map, full - 1e-6, 0, 0])).not.toThrow()
    refuses([...map, full + 1e-6, 0, 0])
    refuses([...map, 1.3, 1.3, 1.3])
    refuses([...map, -0.5, 0.5, 0.5])
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY]) refuses([...map, wrong, 0, 0])
  })

  it('R14: refuses other lengths and groups', () => {
    refuses([])
    refuses([...map, 0.5, 0.5])
    refuses([...map, ...weights, 0])
    refuses([...map.with(0, 3), ...weights])
    refuses([...map.with(0, 0.5), ...weights])
  })

  it('R14: refuses a weight of a pair with one group, for rounding alone could grow with it', () => {
    const single = (weight: number) =>
      pairQuestion(columns, [1, 2, 2], Float32Array.of(...map.with(1, 0).with(2, 0), weight, 0, 0.1))
    expect(() => single(0)).not.toThrow()
    expect(() => single(1e-6)).toThrow(expect.objectContaining({ code: 'ROUND_REFUSED' }))
  })
})

describe('pairWeights', () => {
  test.prop([
    fc.array(fc.integer({ min: 2, max: 64 }), { minLength: 2, maxLength: 30 }),
    fc.double({ min: 0, max: 2, noNaN: true }),
  ])('use up what a site accepts, and no more, whatever other columns there are', (sides, exponent) => {
    const pairs = pairLayoutOf(layoutOf([...sides, 1]))
    const weights = pairWeights(pairs, exponent, 1, 20)
    expect(squaredLength(pairs, weights)).toBeLessThanOrEqual(mostSquaredLength)
    expect(squaredLength(pairs, weights)).toBeGreaterThan(mostSquaredLength * (1 - 1e-5))
    expect(weights[sides.length - 1]).toBe(0)
  })

  it('give the outcome its precision', () => {
    const [ab, ac, bc] = pairWeights(pairLayoutOf(layoutOf([2, 2, 2])), 0.5, 0, 4)
    expect(ab! / bc!).toBeCloseTo(2, 5)
    expect(ac).toBe(ab)
  })

  it('are 0 where no pair tells anything', () => {
    expect([...pairWeights(pairLayoutOf(layoutOf([1, 1])), 0.5, null, 3)]).toEqual([0])
  })
})
