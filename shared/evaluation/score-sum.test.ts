import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { layoutOf } from '../synthesizers/cells.ts'
import { scoreSum } from './score-sum.ts'
import { histogramCell, scorerOf, scorerLength, type ScoreShape } from './scorer.ts'

const shape: ScoreShape = { layout: layoutOf([2, 3]), outcome: 0, positive: new Set([1]), bins: 4 }
const scorer = scorerOf(shape, Float32Array.of(-1, 0.5, 2, 0.25, -0.5, 0.5, 1))

const patient = fc.array(fc.tuple(fc.nat(1), fc.nat(2)), { minLength: 1, maxLength: 40 })
const sumOf = (patients: readonly (readonly [number, number][])[]) =>
  scoreSum(
    scorer,
    Uint16Array.from(patients.flat(2)),
    Uint32Array.from(patients, (rows) => rows.length),
  )

describe('scoreSum', () => {
  test.prop([fc.array(patient, { maxLength: 6 }), patient])(
    'R22: one patient moves it by at most 1, however many rows they have',
    (others, added) => {
      const before = sumOf(others).sum
      const { sum, sensitivity } = sumOf([...others, added])
      let [ones, squares] = [0, 0]
      sum.forEach((value, i) => {
        ones += value - before[i]!
        squares += (value - before[i]!) ** 2
      })
      expect(sensitivity).toBe(1)
      expect(Math.sqrt(squares)).toBeLessThanOrEqual(1)
      expect(ones).toBeGreaterThan(1 - 1e-6)
    },
  )

  it('is the mean of the rows: a thousand rows weigh what one does', () => {
    const once = sumOf([[[1, 2]]]).sum
    const often = sumOf([Array.from({ length: 1000 }, (): [number, number] => [1, 2])]).sum
    expect(once.indexOf(1)).toBe(histogramCell(scorer, Uint16Array.of(1, 2), 0))
    often.forEach((value, i) => expect(Math.abs(value - once[i]!)).toBeLessThan(1e-5))
  })

  it('counts negatives first, then positives, each by score', () => {
    // Scores -0.75, 0.75, 2.25 against thresholds -0.5, 0.5, 1.
    const { sum } = scoreSum(scorer, Uint16Array.of(0, 0, 0, 1, 1, 1, 1, 2, 1, 2), null)
    expect([...sum]).toEqual([1, 0, 1, 0, 0, 0, 1, 2])
  })

  it('padding behind the rows drawn counts as nothing', () => {
    const [cells, padded] = [Uint16Array.of(0, 1, 1, 2), Uint16Array.of(0, 1, 1, 2, 1, 1, 0, 0)]
    expect(scoreSum(scorer, padded, Uint32Array.of(2), 2).sum).toEqual(scoreSum(scorer, cells, Uint32Array.of(2)).sum)
    expect(scoreSum(scorer, padded, null, 2).sum).toEqual(scoreSum(scorer, cells, null).sum)
    expect(() => scoreSum(scorer, cells, null, 3)).toThrow('add up')
  })

  it('a code outside the layout counts as nothing, and rows must add up', () => {
    expect([...scoreSum(scorer, Uint16Array.of(1, 7), null).sum]).toEqual(Array(8).fill(0))
    expect(() => scoreSum(scorer, Uint16Array.of(1, 2), Uint32Array.of(2))).toThrow('add up')
    expect([...scoreSum(scorer, new Uint16Array(), new Uint32Array()).sum]).toEqual(Array(8).fill(0))
    expect(scorerLength(shape)).toBe(7)
  })
})
