import { fitLogistic, scores } from './logistic-model.ts'
import { type ScoreShape, scorerParameters } from './scorer.ts'

/**
 * A scorer from synthetic rows alone: post-processing of the generator, no privacy cost. A logistic regression (L2, strength 1)
 * of the outcome on every other column, and the quantiles 1/bins .. (bins - 1)/bins of its scores on the same rows as thresholds.
 * Deterministic. Cost: `fitLogistic`.
 */
export const trainScorer = (shape: ScoreShape, cells: Uint16Array): Float32Array => {
  const { layout, outcome, positive, bins } = shape
  const fitted = fitLogistic(layout, { cells }, outcome, positive)
  // As the sites will have it: rounded to float32 first, so that a quantile is a score that occurs.
  const model = {
    weights: Float64Array.from(Float32Array.from(fitted.weights)),
    intercept: Math.fround(fitted.intercept),
  }
  const sorted = scores(layout, model, cells, outcome).sort()
  const thresholds = Array.from(
    { length: bins - 1 },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / bins)] ?? 0,
  )
  return scorerParameters(shape, model, thresholds)
}
