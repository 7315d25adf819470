import type { Layout } from '../synthesizers/cells.ts'
import { conjugateGradient } from './conjugate-gradient.ts'

/** A table of codes (row-major, rows x columns) and, unless every row counts the same, a weight for each row. */
export interface WeightedRows {
  readonly cells: Uint16Array
  readonly weights?: Float64Array
}

/** Weights of one-hot features (the outcome's column left out, zero there) and the free intercept. */
export interface LogisticModel {
  readonly weights: Float64Array
  readonly intercept: number
}

const mostPasses = 100
/** The gradient's largest entry at the end, as a share of the rows' total weight. */
const tolerance = 1e-10
/** Keeps the curvature of the intercept positive when one class is absent. */
const leastCurvature = 1e-9

/**
 * Logistic regression on one-hot codes of every column but `outcome`; a row is positive where its code there is in
 * `positive`. Minimises the sum of losses (each times its row's weight) + |w|^2 / (2 strength), the intercept free
 * (scikit-learn's C = strength), by Newton's method with conjugate gradients: the Hessian is only ever multiplied by, so that
 * memory is rows + cells. Deterministic. Cost: rows x columns a product, some tens to hundreds of products.
 */
export const fitLogistic = (
  layout: Layout,
  { cells, weights }: WeightedRows,
  outcome: number,
  positive: ReadonlySet<number>,
  strength = 1,
): LogisticModel => {
  const columns = layout.sizes.length
  const rows = cells.length / columns
  const size = layout.cells + 1
  const table = { layout, cells, outcome }
  const labels = Uint8Array.from({ length: rows }, (_, r) => (positive.has(cells[r * columns + outcome]!) ? 1 : 0))
  const counts = weights ?? new Float64Array(rows).fill(1)
  const total = counts.reduce((sum, weight) => sum + weight, 0)
  const ridge = new Float64Array(size).fill(1 / strength)
  ridge[size - 1] = 0

  const lossAt = (beta: Float64Array, score: Float64Array): number => {
    let loss = 0
    for (let i = 0; i < size; i++) loss += (ridge[i]! * beta[i]! * beta[i]!) / 2
    for (let r = 0; r < rows; r++) {
      const s = score[r]!
      loss += counts[r]! * (Math.max(s, 0) - labels[r]! * s + Math.log1p(Math.exp(-Math.abs(s))))
    }
    return loss
  }

  let beta = new Float64Array(size)
  let score = timesRows(table, beta, rows)
  let loss = lossAt(beta, score)
  for (let pass = 0; pass < mostPasses; pass++) {
    const residual = new Float64Array(rows)
    const curvature = new Float64Array(rows)
    for (let r = 0; r < rows; r++) {
      const p = 1 / (1 + Math.exp(-score[r]!))
      residual[r] = counts[r]! * (p - labels[r]!)
      curvature[r] = counts[r]! * p * (1 - p)
    }
    const gradient = overRows(table, residual, size)
    const diagonal = overRows(table, curvature, size)
    for (let i = 0; i < size; i++) {
      gradient[i] = gradient[i]! + ridge[i]! * beta[i]!
      diagonal[i] = diagonal[i]! + ridge[i]! + leastCurvature
    }
    const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    if (!(largest > tolerance * total)) break
    const hessianTimes = (v: Float64Array): Float64Array => {
      const along = timesRows(table, v, rows)
      for (let r = 0; r < rows; r++) along[r] = along[r]! * curvature[r]!
      const product = overRows(table, along, size)
      for (let i = 0; i < size; i++) product[i] = product[i]! + (ridge[i]! + leastCurvature) * v[i]!
      return product
    }
    // Ever sharper towards the end, for Newton's own speed (Dembo, Eisenstat and Steihaug 1982).
    const step = conjugateGradient(hessianTimes, gradient, diagonal, Math.min(0.1, largest / total))
    let next: { beta: Float64Array<ArrayBuffer>; score: Float64Array<ArrayBuffer>; loss: number } | undefined
    for (let share = 1; share > 1e-6 && next === undefined; share /= 2) {
      const moved = beta.map((value, i) => value - share * step[i]!)
      const reached = timesRows(table, moved, rows)
      const there = lossAt(moved, reached)
      if (there <= loss + 1e-12 * Math.abs(loss)) next = { beta: moved, score: reached, loss: there }
    }
    if (next === undefined) break
    ;({ beta, score, loss } = next)
  }
  return { weights: beta.slice(0, size - 1), intercept: beta[size - 1]! }
}

/** The model's score of each row: the log-odds. */
export const scores = (layout: Layout, model: LogisticModel, cells: Uint16Array, outcome: number): Float64Array =>
  timesRows(
    { layout, cells, outcome },
    Float64Array.of(...model.weights, model.intercept),
    cells.length / layout.sizes.length,
  )

interface Table {
  readonly layout: Layout
  readonly cells: Uint16Array
  readonly outcome: number
}

/** For each row the sum of `beta` over its features: a cell per column but the outcome's, and the intercept, which is last. */
const timesRows = ({ layout, cells, outcome }: Table, beta: Float64Array, rows: number): Float64Array<ArrayBuffer> => {
  const { sizes, offsets, cells: intercept } = layout
  const columns = sizes.length
  const out = new Float64Array(rows)
  for (let r = 0, at = 0; r < rows; r++, at += columns) {
    let sum = beta[intercept]!
    for (let j = 0; j < columns; j++) if (j !== outcome) sum += beta[offsets[j]! + cells[at + j]!]!
    out[r] = sum
  }
  return out
}

/** The transpose: `values` of the rows added up over each feature. */
const overRows = ({ layout, cells, outcome }: Table, values: Float64Array, size: number): Float64Array => {
  const { sizes, offsets } = layout
  const columns = sizes.length
  const out = new Float64Array(size)
  for (let r = 0, at = 0; r < values.length; r++, at += columns) {
    const value = values[r]!
    out[size - 1] = out[size - 1]! + value
    for (let j = 0; j < columns; j++) {
      if (j === outcome) continue
      const feature = offsets[j]! + cells[at + j]!
      out[feature] = out[feature]! + value
    }
  }
  return out
}
