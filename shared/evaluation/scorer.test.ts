import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { layoutOf } from '../synthesizers/cells.ts'
import { binOf, type ScoreShape, scoreOf, scorerLength, scorerOf, scorerParameters } from './scorer.ts'
import { trainScorer } from './train-scorer.ts'

const shape: ScoreShape = { layout: layoutOf([3, 2, 4]), outcome: 1, positive: new Set([1]), bins: 4 }
const weights = Float64Array.of(0.5, -0.25, 1, 0, 0, 2, -1, 0.125, 4)
const parameters = () => scorerParameters(shape, { weights, intercept: -0.5 }, [-1, 0, 3])

describe('a scorer', () => {
  it('comes back from the numbers it travels as, whichever column is the outcome', () => {
    for (const outcome of [0, 1, 2]) {
      const other = { ...shape, outcome }
      const [from, to] = [other.layout.offsets[outcome]!, other.layout.offsets[outcome + 1]!]
      const model = {
        weights: weights.map((weight, cell) => (cell >= from && cell < to ? 0 : weight)),
        intercept: -0.5,
      }
      const numbers = scorerParameters(other, model, [-1, 0, 3])
      expect(numbers).toHaveLength(scorerLength(other))
      const scorer = scorerOf(other, numbers)
      expect([...scorer.weights]).toEqual([...model.weights])
      expect([scorer.intercept, ...scorer.thresholds]).toEqual([-0.5, -1, 0, 3])
    }
  })

  it('scores a row by its cells, whatever the outcome', () => {
    const scorer = scorerOf(shape, parameters())
    expect(scoreOf(scorer, Uint16Array.of(2, 0, 3, 1, 1, 0), 0)).toBe(-0.5 + 1 + 4)
    expect(scoreOf(scorer, Uint16Array.of(2, 0, 3, 1, 1, 0), 1)).toBe(-0.5 - 0.25 + 2)
    expect(scoreOf(scorer, Uint16Array.of(2, 1, 3), 0)).toBe(4.5)
  })

  test.prop([fc.double({ noNaN: true, min: -5, max: 5 })])(
    'puts a score above the thresholds that are not above it',
    (score) => {
      const scorer = scorerOf(shape, parameters())
      expect(binOf(scorer, score)).toBe([-1, 0, 3].filter((threshold) => threshold <= score).length)
    },
  )

  it('R14: numbers that are not finite, too many, too few or descending are refused', () => {
    const refused = { code: 'ROUND_REFUSED' }
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (let i = 0; i < scorerLength(shape); i++)
        expect(() => scorerOf(shape, parameters().fill(bad, i, i + 1))).toThrowError(expect.objectContaining(refused))
    }
    expect(() => scorerOf(shape, parameters().slice(1))).toThrowError(expect.objectContaining(refused))
    expect(() => scorerOf(shape, new Float32Array(scorerLength(shape) + 1))).toThrowError(
      expect.objectContaining(refused),
    )
    const descending = parameters()
    descending[descending.length - 1] = -2
    expect(() => scorerOf(shape, descending)).toThrowError(expect.objectContaining(refused))
  })
})

describe('trainScorer', () => {
  const rows = 600
  const cells = Uint16Array.from({ length: 3 * rows }, (_, i) => {
    const row = Math.floor(i / 3)
    return [row % 3, row % 3 === 2 || row % 7 === 0 ? 1 : 0, (row * 7) % 4][i % 3]!
  })

  it('finds what decides the outcome, and parts its rows into bins of about equal size', () => {
    const scorer = scorerOf(shape, trainScorer(shape, cells))
    expect(scorer.weights[2]! - scorer.weights[0]!).toBeGreaterThan(3)
    const sizes = new Float64Array(shape.bins)
    for (let row = 0; row < rows; row++) sizes[binOf(scorer, scoreOf(scorer, cells, row))]! += 1
    expect(Math.max(...sizes)).toBeLessThan(rows / 2)
    expect(trainScorer(shape, cells)).toEqual(trainScorer(shape, cells))
  })

  it('bears rows of one label, and a single row', () => {
    for (const table of [cells.map((code, i) => (i % 3 === 1 ? 0 : code)), cells.slice(0, 3)])
      expect(scorerOf(shape, trainScorer(shape, table)).thresholds).toHaveLength(3)
  })
})
