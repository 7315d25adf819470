import type { Layout } from '@tributary/shared/synthesizers/cells'
import type { WeightedRows } from './pairwise-distance.ts'

/** Weights of one-hot features (the outcome's column left out, zero there) and the free intercept. */
export interface LogisticModel {
  readonly weights: Float64Array
  readonly intercept: number
}

/**
 * Logistic regression on one-hot codes of every column but `outcome`; a row is positive where its code there is in
 * `positive`. Minimises the sum of losses (each times its row's weight) + |w|^2 / (2 strength), the intercept free
 * (scikit-learn's C = strength), by Newton's method on the full Hessian: exact to 1e-8 in the gradient. Cost: about 8 x (rows x columns^2 + cells^3).
 */
export const fitLogistic = (
  layout: Layout,
  { cells, weights }: WeightedRows,
  outcome: number,
  positive: ReadonlySet<number>,
  strength = 1,
): LogisticModel => {
  const size = layout.cells + 1
  const columns = layout.sizes.length
  const rows = cells.length / columns
  const beta = new Float64Array(size)
  const active = new Int32Array(columns)
  let loss = Number.POSITIVE_INFINITY
  let step = new Float64Array(size)
  for (let pass = 0; pass < 100; pass++) {
    const gradient = new Float64Array(size)
    const hessian = new Float64Array(size * size)
    let now = 0
    for (let i = 0; i < size - 1; i++) {
      now += (beta[i]! * beta[i]!) / (2 * strength)
      gradient[i] = beta[i]! / strength
      hessian[i * size + i] = 1 / strength
    }
    // The intercept's tiny curvature keeps the matrix invertible when one class is absent.
    hessian[size * size - 1] = 1e-9
    for (let r = 0; r < rows; r++) {
      const score = scoreInto(layout, cells, r, outcome, beta, active)
      const label = positive.has(cells[r * columns + outcome]!) ? 1 : 0
      const p = 1 / (1 + Math.exp(-score))
      const weight = weights?.[r] ?? 1
      now += weight * (Math.max(score, 0) - label * score + Math.log1p(Math.exp(-Math.abs(score))))
      const curvature = weight * p * (1 - p)
      for (let a = 0; a < columns; a++) {
        const i = active[a]!
        gradient[i] = gradient[i]! + weight * (p - label)
        const row = i * size
        for (let b = 0; b < columns; b++) hessian[row + active[b]!] = hessian[row + active[b]!]! + curvature
      }
    }
    if (now > loss + 1e-9 * Math.abs(loss)) {
      // Too far: half way back.
      for (let i = 0; i < size; i++) {
        step[i] = step[i]! / 2
        beta[i] = beta[i]! + step[i]!
      }
      continue
    }
    loss = now
    if (Math.max(...gradient.map(Math.abs)) < 1e-8 * rows) break
    step = solve(hessian, gradient)
    for (let i = 0; i < size; i++) beta[i] = beta[i]! - step[i]!
  }
  return { weights: beta.slice(0, size - 1), intercept: beta[size - 1]! }
}

/** The model's score of each row: the log-odds. */
export const scores = (layout: Layout, model: LogisticModel, cells: Uint16Array, outcome: number): Float64Array => {
  const beta = Float64Array.of(...model.weights, model.intercept)
  const active = new Int32Array(layout.sizes.length)
  return Float64Array.from({ length: cells.length / layout.sizes.length }, (_, r) =>
    scoreInto(layout, cells, r, outcome, beta, active),
  )
}

/**
 * Area under the receiver operating characteristic: the chance that a positive row scores above a negative one, ties
 * counting half; rows may be weighted. 0.5 when a class is absent. Cost: rows log rows.
 */
export const areaUnderCurve = (
  score: Float64Array,
  isPositive: (row: number) => boolean,
  weights?: Float64Array,
): number => {
  const order = Uint32Array.from(score, (_, r) => r).sort((a, b) => score[a]! - score[b]!)
  let below = 0
  let positives = 0
  let pairs = 0
  for (let i = 0; i < order.length; ) {
    let tiedPositive = 0
    let tiedNegative = 0
    const value = score[order[i]!]!
    for (; i < order.length && score[order[i]!] === value; i++) {
      const weight = weights?.[order[i]!] ?? 1
      if (isPositive(order[i]!)) tiedPositive += weight
      else tiedNegative += weight
    }
    pairs += tiedPositive * (below + tiedNegative / 2)
    below += tiedNegative
    positives += tiedPositive
  }
  return positives > 0 && below > 0 ? pairs / (positives * below) : 0.5
}

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

/** The score of row r; leaves its active features in `active`: a cell per column, and the intercept for the outcome. */
const scoreInto = (
  { sizes, offsets, cells: intercept }: Layout,
  cells: Uint16Array,
  r: number,
  outcome: number,
  beta: Float64Array,
  active: Int32Array,
) => {
  let score = 0
  for (let j = 0; j < sizes.length; j++) {
    const feature = j === outcome ? intercept : offsets[j]! + cells[r * sizes.length + j]!
    active[j] = feature
    score += beta[feature]!
  }
  return score
}

/** x with A x = b for a symmetric positive definite A (row-major): Cholesky, in place. */
const solve = (a: Float64Array, b: Float64Array): Float64Array<ArrayBuffer> => {
  const n = b.length
  const x = Float64Array.from(b)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!
      for (let k = 0; k < j; k++) sum -= a[i * n + k]! * a[j * n + k]!
      a[i * n + j] = i === j ? Math.sqrt(sum) : sum / a[j * n + j]!
    }
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] = x[i]! - a[i * n + k]! * x[k]!
    x[i] = x[i]! / a[i * n + i]!
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] = x[i]! - a[k * n + i]! * x[k]!
    x[i] = x[i]! / a[i * n + i]!
  }
  return x
}
