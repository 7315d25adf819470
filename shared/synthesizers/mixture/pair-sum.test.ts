import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import type { ColumnSpec } from '../../study/study-schema.ts'
import { layoutOf } from '../cells.ts'
import type { Batch } from '../family.ts'
import { pairLayoutOf } from './pair-layout.ts'
import { type PairQuestion, pairQuestion, pairSum } from './pair-sum.ts'
import { mostSquaredWeight, pairWeights, weightsOf } from './pair-weights.ts'

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
const norm = (vector: Float64Array) => Math.hypot(...vector)
const minus = (left: Float64Array, right: Float64Array) => left.map((value, i) => value - right[i]!)

describe('pairSum', () => {
  it('counts weighted pairs of groups, blocks in order, row-major', () => {
    const { sum, sensitivity } = pairSum(ask(), batchOf([[[2, 1, 4]], [[0, 1, 1]]]))
    expect([...sum]).toEqual([0, 0.5, 0, 0, 0, 0.5, 0.25, 0, 0, 0, 0, 0.25, 0, 0, 0.5, 0.5])
    expect(sensitivity).toBe(1)
  })

  it('takes the mean over the rows of a unit', () => {
    const { sum } = pairSum(
      ask(),
      batchOf([
        [
          [0, 0, 0],
          [2, 0, 0],
        ],
      ]),
    )
    expect([...sum.subarray(0, 6)]).toEqual([0.25, 0, 0, 0, 0.25, 0])
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
    .map(({ groups, precision }) =>
      ask([...groups.flat(), ...weightsOf(Float64Array.from(precision, (p) => p + 1e-9))]),
    )

  test.prop([fc.array(unit, { maxLength: 12 }), unit, question])(
    'moves by at most 1 when a unit of any number of rows joins, whatever was announced',
    (units, joining, asked: PairQuestion) => {
      const without = pairSum(asked, batchOf(units))
      const difference = minus(pairSum(asked, batchOf([joining, ...units])).sum, without.sum)
      expect(norm(difference)).toBeLessThanOrEqual(without.sensitivity)
    },
  )

  it('the bound is reached but for the slack: one row of full weight', () => {
    const spread = ask([...map, ...pairWeights(pairLayoutOf(layoutOf(sizes)), 0.5, 0, 3)])
    const length = norm(pairSum(spread, batchOf([[[0, 0, 0]]])).sum)
    expect(length).toBeLessThanOrEqual(1 - 2 ** -10)
    expect(length).toBeGreaterThan(1 - 2 ** -10 - 2 ** -18)
  })
})

describe('pairQuestion', () => {
  const refuses = (numbers: readonly number[]) =>
    expect(() => ask(numbers)).toThrow(expect.objectContaining({ code: 'ROUND_REFUSED' }))

  it('R14: refuses before any row what would let one patient count for more', () => {
    refuses([...map, 1, 1, 0])
    refuses([...map, Math.sqrt(mostSquaredWeight) + 1e-6, 0, 0])
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
})

describe('pairWeights', () => {
  test.prop([
    fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 2, maxLength: 30 }),
    fc.double({ min: 0, max: 2, noNaN: true }),
  ])('use up what a site accepts, and no more', (sides, exponent) => {
    const squares = pairWeights(pairLayoutOf(layoutOf(sides)), exponent, 1, 20).reduce((sum, w) => sum + w * w, 0)
    expect(squares).toBeLessThanOrEqual(mostSquaredWeight)
    expect(squares).toBeGreaterThan(mostSquaredWeight * (1 - 1e-5))
  })

  it('give the outcome its precision', () => {
    const [ab, ac, bc] = pairWeights(pairLayoutOf(layoutOf([2, 2, 2])), 0.5, 0, 4)
    expect(ab! / bc!).toBeCloseTo(2, 5)
    expect(ac).toBe(ab)
  })
})
