import { areaUnderCurve } from '@tributary/shared/evaluation/area-under-curve'
import { fitBoosted } from './boosted/boosted-trees.ts'
import { type Calibration, calibrationOf } from './calibration.ts'
import { transferAuc } from './logistic-regression.ts'
import type { MeasuredStudy, Target } from './measured-study.ts'
import type { WeightedRows } from './pairwise-distance.ts'

/** Of classifiers fitted to one table and tried on real rows that it never saw. */
export interface Transfer {
  readonly aucTrees: number
  readonly aucLogistic: number
  /** Of the boosted trees. */
  readonly calibration: Calibration
  /** Log-odds by the boosted trees, of each held-out row. */
  readonly score: Float64Array
}

/** As evaluate.py: more trees for the outcome than for the rarer targets after it. */
const treesOf = (place: number) => (place === 0 ? 150 : 100)
const learningRate = 0.08

export const labelsOf = (columns: number, { column, positive }: Target, cells: Uint16Array): Uint8Array =>
  Uint8Array.from({ length: cells.length / columns }, (_, r) => (positive.has(cells[r * columns + column]!) ? 1 : 0))

/** Target `place` of the study, trained on `made`, tried on `heldOut`. A table with one class alone gets AUC 0.5. */
export const transferOf = (
  study: MeasuredStudy,
  place: number,
  made: WeightedRows,
  heldOut: WeightedRows,
  seed: number,
): Transfer => {
  const { layout, ordered } = study
  const columns = layout.sizes.length
  const target = study.targets[place]!
  const labels = labelsOf(columns, target, made.cells)
  const truth = labelsOf(columns, target, heldOut.cells)
  const without = new Set([target.column])
  const options = { trees: treesOf(place), learningRate }
  const score = fitBoosted(layout, ordered, without, made, labels, options, seed)(heldOut.cells)
  return {
    aucTrees: areaUnderCurve(score, (r) => truth[r] === 1, heldOut.weights),
    aucLogistic: transferAuc(layout, made, heldOut, target.column, target.positive),
    calibration: calibrationOf(score, truth, heldOut.weights),
    score,
  }
}
