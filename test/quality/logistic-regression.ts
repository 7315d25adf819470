import { areaUnderCurve } from '@tributary/shared/evaluation/area-under-curve'
import { fitLogistic, scores } from '@tributary/shared/evaluation/logistic-model'
import type { Layout } from '@tributary/shared/synthesizers/cells'
import type { WeightedRows } from './pairwise-distance.ts'

/** AUC on `test` of a logistic regression fitted to `train`, both by their rows' weights. */
export const transferAuc = (
  layout: Layout,
  train: WeightedRows,
  test: WeightedRows,
  outcome: number,
  positive: ReadonlySet<number>,
): number => {
  const score = scores(layout, fitLogistic(layout, train, outcome, positive), test.cells, outcome)
  const columns = layout.sizes.length
  return areaUnderCurve(score, (r) => positive.has(test.cells[r * columns + outcome]!), test.weights)
}
