import { test } from '@fast-check/vitest'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { layoutOf } from '../synthesizers/cells.ts'
import { cramersV, marginalOf, totalVariation } from './marginal.ts'

const layout = layoutOf([3, 2, 4])
const rows = (length: number) =>
  fc
    .array(fc.tuple(fc.nat(2), fc.nat(1), fc.nat(3)), { minLength: 1, maxLength: length })
    .map((codes) => Uint16Array.from(codes.flat()))

test.prop([rows(40)])('a marginal adds up to one and forgets nothing', (cells) => {
  const pair = marginalOf(layout, [0, 2], { cells }) as Float64Array
  expect(pair.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12)
  const single = marginalOf(layout, [0], { cells }) as Float64Array
  single.forEach((share, i) => {
    let sum = 0
    for (let j = 0; j < 4; j++) sum += pair[4 * i + j]!
    expect(sum).toBeCloseTo(share, 12)
  })
})

test.prop([rows(30), rows(30)])(
  'the distance is symmetric, 0 to itself and at most 1, kept whole or by what occurs',
  (a, b) => {
    const [left, right] = [marginalOf(layout, [1, 2], { cells: a }), marginalOf(layout, [1, 2], { cells: b })]
    const sparse = (table: typeof left) => {
      const kept = new Map<number, number>()
      table.forEach((share, index) => share > 0 && kept.set(index, share))
      return kept
    }
    const distance = totalVariation(left, right)
    expect(totalVariation(right, left)).toBeCloseTo(distance, 12)
    expect(totalVariation(sparse(left), sparse(right))).toBeCloseTo(distance, 12)
    expect(totalVariation(sparse(left), right)).toBeCloseTo(distance, 12)
    expect(totalVariation(left, left)).toBe(0)
    expect(distance).toBeLessThanOrEqual(1 + 1e-12)
  },
)

it('columns of thousands of levels are kept by what occurs', () => {
  const wide = layoutOf([10_000, 10_000])
  const cells = Uint16Array.of(9_999, 1, 9_999, 1, 3, 9_998)
  const pair = marginalOf(wide, [0, 1], { cells })
  expect(pair).toBeInstanceOf(Map)
  expect(totalVariation(pair, marginalOf(wide, [0, 1], { cells: Uint16Array.of(9_999, 1) }))).toBeCloseTo(1 / 3, 12)
})

it("Cramer's V is 1 for two names of one thing, 0 for columns that know nothing of each other", () => {
  const two = layoutOf([2, 2])
  const of = (cells: number[]) => cramersV(two, [0, 1], marginalOf(two, [0, 1], { cells: Uint16Array.from(cells) }))
  expect(of([0, 1, 1, 0])).toBeCloseTo(1, 12)
  expect(of([0, 0, 0, 1, 1, 0, 1, 1])).toBeCloseTo(0, 12)
  expect(of([0, 0, 0, 1])).toBe(0)
  // By hand: shares .4 .1 .1 .4, expected .25 each: chi-square 4 x .15^2 / .25 = .36.
  expect(of([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1])).toBeCloseTo(0.6, 12)
})
