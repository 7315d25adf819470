import { CodedError } from '../errors.ts'
import type { Layout } from '../synthesizers/cells.ts'
import type { LogisticModel } from './logistic-model.ts'

/** What an evaluation asks of a table: public facts of the study. */
export interface ScoreShape {
  readonly layout: Layout
  /** The column that is predicted. */
  readonly outcome: number
  /** Its codes that count as positive. */
  readonly positive: ReadonlySet<number>
  /** Score bins of each label. */
  readonly bins: number
}

/** A classifier that every site applies to its own held-out patients, and the scores that part its bins. */
export interface Scorer {
  readonly shape: ScoreShape
  /** Log-odds of each cell, zero for the outcome's. */
  readonly weights: Float32Array
  readonly intercept: number
  /** Ascending, bins - 1 of them; bin b holds the scores from thresholds[b - 1] up to but without thresholds[b]. */
  readonly thresholds: Float32Array
}

/** Numbers that a scorer travels as: the cells of the other columns, the intercept, the thresholds. */
export const scorerLength = ({ layout, outcome, bins }: ScoreShape): number =>
  layout.cells - layout.sizes[outcome]! + 1 + (bins - 1)

/**
 * A scorer from the numbers that were announced. Throws `ROUND_REFUSED` for another length, a number that is not finite or
 * thresholds that descend, before any row is read (R14). The coordinator may announce any other: each held-out patient still
 * adds one vector of norm at most 1.
 */
export const scorerOf = (shape: ScoreShape, parameters: Float32Array): Scorer => {
  const length = scorerLength(shape)
  if (parameters.length !== length)
    throw new CodedError('ROUND_REFUSED', `${length} numbers of a scorer expected, got ${parameters.length}`)
  const unfit = parameters.findIndex((value) => !Number.isFinite(value))
  if (unfit >= 0) throw new CodedError('ROUND_REFUSED', `number ${unfit} of the scorer is not finite`)
  const { layout, outcome, bins } = shape
  const thresholds = parameters.slice(length - (bins - 1))
  if (thresholds.some((value, i) => i > 0 && value < thresholds[i - 1]!))
    throw new CodedError('ROUND_REFUSED', 'the thresholds of the scorer descend')
  const before = layout.offsets[outcome]!
  const after = layout.offsets[outcome + 1]!
  const weights = new Float32Array(layout.cells)
  weights.set(parameters.subarray(0, before))
  weights.set(parameters.subarray(before, layout.cells - (after - before)), after)
  return { shape, weights, intercept: parameters[layout.cells - (after - before)]!, thresholds }
}

/** The inverse, rounded to float32. */
export const scorerParameters = (
  shape: ScoreShape,
  model: LogisticModel,
  thresholds: ArrayLike<number>,
): Float32Array => {
  const { layout, outcome } = shape
  const parameters = new Float32Array(scorerLength(shape))
  let at = 0
  model.weights.forEach((weight, cell) => {
    if (cell < layout.offsets[outcome]! || cell >= layout.offsets[outcome + 1]!) parameters[at++] = weight
  })
  parameters[at++] = model.intercept
  parameters.set(thresholds, at)
  return parameters
}

/** Log-odds of row `row`, added up in the order of the columns; codes must be inside the layout. */
export const scoreOf = ({ shape, weights, intercept }: Scorer, cells: Uint16Array, row: number): number => {
  const { sizes, offsets } = shape.layout
  const start = row * sizes.length
  let score = intercept
  for (let j = 0; j < sizes.length; j++) if (j !== shape.outcome) score += weights[offsets[j]! + cells[start + j]!]!
  return score
}

/** The bin of a score: how many thresholds are not above it. */
export const binOf = ({ thresholds }: Scorer, score: number): number => {
  let low = 0
  let high = thresholds.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (score >= thresholds[middle]!) low = middle + 1
    else high = middle
  }
  return low
}

/** Place of a row in a histogram of scores: `bins` cells for the negatives, then as many for the positives. */
export const histogramCell = (scorer: Scorer, cells: Uint16Array, row: number): number => {
  const { shape } = scorer
  const isPositive = shape.positive.has(cells[row * shape.layout.sizes.length + shape.outcome]!)
  return (isPositive ? shape.bins : 0) + binOf(scorer, scoreOf(scorer, cells, row))
}
