import { fc, test } from '@fast-check/vitest'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { describe, expect, it } from 'vitest'
import { areaUnderCurve } from '@tributary/shared/evaluation/area-under-curve'
import { fitLogistic, scores } from '@tributary/shared/evaluation/logistic-model'
import { transferAuc } from '../quality/logistic-regression.ts'
import { marginalDistance } from '../quality/pairwise-distance.ts'

const layout = layoutOf([3, 2, 2])

describe('marginalDistance', () => {
  const left = { cells: Uint16Array.of(0, 0, 0, 1, 1, 0) }
  const right = { cells: Uint16Array.of(0, 0, 0, 1, 0, 1) }

  it('is the mean over sets of columns', () => {
    // Column 0 agrees; columns 1 and 2 differ by one half.
    expect(marginalDistance(layout, 1, left, right)).toBeCloseTo(1 / 3, 12)
    expect(marginalDistance(layout, 2, left, right)).toBeCloseTo(0.5, 12)
    expect(marginalDistance(layout, 3, left, right)).toBeCloseTo(0.5, 12)
    expect(marginalDistance(layout, 2, left, left)).toBe(0)
  })

  it('weights rows', () => {
    const weighted = { cells: right.cells, weights: Float64Array.of(3, 1) }
    expect(marginalDistance(layoutOf([3, 2, 2]), 1, left, weighted)).toBeCloseTo((0.25 + 0.5 + 0.25) / 3, 12)
  })
})

describe('areaUnderCurve', () => {
  test.prop([
    fc.array(fc.tuple(fc.nat(4), fc.boolean(), fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 25 }),
  ])('is the share of pairs in the right order, ties half, weighted', (rows) => {
    let pairs = 0
    let right = 0
    for (const [a, isPositive, v] of rows)
      for (const [b, isOther, w] of rows)
        if (isPositive && !isOther) {
          pairs += v * w
          right += a > b ? v * w : a === b ? (v * w) / 2 : 0
        }
    const auc = areaUnderCurve(
      Float64Array.from(rows, ([score]) => score),
      (r) => rows[r]![1],
      Float64Array.from(rows, ([, , weight]) => weight),
    )
    expect(auc).toBeCloseTo(pairs === 0 ? 0.5 : right / pairs, 10)
  })
})

describe('fitLogistic', () => {
  const cells = Uint16Array.from({ length: 900 }, (_, i) => {
    const row = Math.floor(i / 3)
    return [row % 3, (row * 7) % 2, (row * row + (row % 3) * (row % 5)) % 7 > 2 ? 1 : 0][i % 3]!
  })
  const positive = new Set([1])

  const lossAt = (weights: Float64Array, intercept: number, strength: number) => {
    let loss = weights.reduce((total, w) => total + (w * w) / (2 * strength), 0)
    for (let r = 0; r < 300; r++) {
      const score = intercept + weights[cells[r * 3]!]! + weights[3 + cells[r * 3 + 1]!]!
      loss += Math.log1p(Math.exp(cells[r * 3 + 2] === 1 ? -score : score))
    }
    return loss
  }

  it.each([1, 0.01, 100])('is at the minimum of the penalised loss, strength %d', (strength) => {
    const { weights, intercept } = fitLogistic(layout, { cells }, 2, positive, strength)
    const least = lossAt(weights, intercept, strength)
    for (let i = 0; i <= weights.length; i++) {
      for (const step of [-1e-3, 1e-3]) {
        const moved = weights.slice()
        if (i < weights.length) moved[i] = moved[i]! + step
        expect(lossAt(moved, i < weights.length ? intercept : intercept + step, strength)).toBeGreaterThanOrEqual(least)
      }
    }
    expect([...weights.subarray(5)]).toEqual([0, 0])
    expect(Math.max(...weights.map(Math.abs))).toBeGreaterThan(0.001)
  })

  it('counts a row as often as its weight says', () => {
    const repeats = (row: number) => 1 + (row % 3)
    const repeated = Array.from({ length: 300 }, (_, row) =>
      Array.from({ length: repeats(row) }, () => [...cells.subarray(3 * row, 3 * row + 3)]),
    )
    const weights = Float64Array.from({ length: 300 }, (_, row) => repeats(row))
    const once = fitLogistic(layout, { cells, weights }, 2, positive)
    const often = fitLogistic(layout, { cells: Uint16Array.from(repeated.flat(2)) }, 2, positive)
    expect(once.intercept).toBeCloseTo(often.intercept, 6)
    once.weights.forEach((weight, i) => expect(weight).toBeCloseTo(often.weights[i]!, 6))
    expect(once.intercept).not.toBeCloseTo(fitLogistic(layout, { cells }, 2, positive).intercept, 3)
  })

  it('ranks by its features, and bears a table with one class', () => {
    expect(transferAuc(layout, { cells }, { cells }, 2, positive)).toBeGreaterThan(0.55)
    const one = fitLogistic(layout, { cells: cells.map((code, i) => (i % 3 === 2 ? 0 : code)) }, 2, positive)
    expect(scores(layout, one, cells, 2).every(Number.isFinite)).toBe(true)
  })
})
