import { areaUnderCurve } from '@tributary/shared/evaluation/area-under-curve'
import { readScores } from '@tributary/shared/evaluation/score-reading'
import { type ScoreShape, scoreOf, scorerOf } from '@tributary/shared/evaluation/scorer'
import { sampleCells } from '@tributary/shared/generator/sample'
import { beforeAll, describe, expect, it } from 'vitest'
import { plantedModel, sampleStudy } from '../../test/harness/report-fixture.ts'
import { decodeEvaluation, encodeEvaluation, type Evaluation, prepareEvaluation } from './evaluation.ts'

const model = plantedModel(sampleStudy('first-steps'), 4)
const { layout } = model
const shape: ScoreShape = { layout, outcome: 1, positive: new Set([0]), bins: 8 }

describe('an evaluation before any patient is asked', () => {
  let evaluation: Evaluation
  beforeAll(async () => {
    evaluation = await prepareEvaluation(shape, model)
  })

  it('knows the AUC on synthetic rows that the scorer has not seen', async () => {
    const scorer = scorerOf(shape, evaluation.parameters)
    const cells: number[] = []
    for await (const batch of sampleCells(model, 20_000, 99)) cells.push(...batch)
    const table = Uint16Array.from(cells)
    const rows = table.length / layout.sizes.length
    const scores = Float64Array.from({ length: rows }, (_, row) => scoreOf(scorer, table, row))
    const isPositive = (row: number) => shape.positive.has(table[row * layout.sizes.length + shape.outcome]!)
    const read = readScores(evaluation.synthetic, 0).auc!.value
    expect(read).toBeGreaterThan(0.52)
    // Bins blur it by less than a hundredth; the samples differ by as much again.
    expect(Math.abs(read - areaUnderCurve(scores, isPositive))).toBeLessThan(0.02)
  })

  it('is the same for the same model, and comes back from its bytes', async () => {
    const bytes = encodeEvaluation(evaluation)
    expect(encodeEvaluation(await prepareEvaluation(shape, model))).toEqual(bytes)
    expect(decodeEvaluation(bytes)).toEqual(evaluation)
    const opened = { ...evaluation, heldOut: evaluation.synthetic.map((count) => count / 7 - 0.25) }
    expect(decodeEvaluation(encodeEvaluation(opened))).toEqual(opened)
    for (const at of [0, 30, bytes.length - 1]) {
      const broken = bytes.slice()
      broken[at]! ^= 1
      expect(() => decodeEvaluation(broken)).toThrowError(expect.objectContaining({ code: 'STATE_CORRUPT' }))
    }
  })
})
