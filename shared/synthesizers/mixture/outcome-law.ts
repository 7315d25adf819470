import { conjugateGradient } from '../../evaluation/conjugate-gradient.ts'
import type { Layout } from '../cells.ts'

/** A softmax over the levels of a column given all others: the sum of their cells' weights and an intercept for each level. */
export interface OutcomeLaw {
  /** Number of the column. */
  readonly outcome: number
  /** (cells + 1) x levels of the outcome, row-major: a row for every cell (the outcome's own unused), the intercepts last. */
  readonly weights: Float32Array
}

const mostPasses = 20
/** Of a Newton step, relative; a sharper one is soon outdated. */
const stepAccuracy = 0.05
const ridge = 1
/** Largest entry of the gradient at the end, rows. */
const tolerance = 0.5
/** Keeps the intercepts' curvature positive. */
const leastCurvature = 1e-6

/**
 * Multinomial logistic regression of a column on the one-hot codes of all others (L2, strength 1 on the summed loss), by Newton's
 * method with conjugate gradients. It is the law of largest entropy under which the column's pairs with every other column are those of
 * the rows: what a mixture of many components knows about three columns at once beyond their pairs is mostly its own noise.
 * `cells`: codes, row-major. Deterministic. Cost: some tens of products, each rows x columns x levels.
 */
export const fitOutcomeLaw = (layout: Layout, cells: Uint16Array, outcome: number): OutcomeLaw => {
  const columns = layout.sizes.length
  const levels = layout.sizes[outcome]!
  const rows = cells.length / columns
  const table: Table = { layout, cells, outcome, levels }
  const free = layout.cells * levels
  let weights = new Float64Array(free + levels)
  const counts = new Float64Array(levels)
  for (let at = outcome; at < cells.length; at += columns) counts[cells[at]!] = counts[cells[at]!]! + 1
  counts.forEach((count, level) => {
    weights[free + level] = Math.log((count + 1) / (rows + levels))
  })
  const curved = (i: number) => (i < free ? ridge : leastCurvature)
  const evaluate = (at: Float64Array) => {
    const shares = softmaxRows(timesRows(table, at), levels)
    let loss = 0
    for (let i = 0; i < free; i++) loss += (ridge / 2) * at[i]! * at[i]!
    for (let r = 0; r < rows; r++)
      loss -= Math.log(Math.max(shares[r * levels + cells[r * columns + outcome]!]!, Number.MIN_VALUE))
    return { at, shares, loss }
  }
  let here = evaluate(weights)
  for (let pass = 0; pass < mostPasses; pass++) {
    const { shares } = here
    const residual = shares.slice()
    for (let r = 0; r < rows; r++) {
      const own = r * levels + cells[r * columns + outcome]!
      residual[own] = residual[own]! - 1
    }
    const gradient = overRows(table, residual)
    const diagonal = overRows(
      table,
      shares.map((share) => share * (1 - share)),
    )
    for (let i = 0; i < gradient.length; i++) {
      if (i < free) gradient[i] = gradient[i]! + ridge * weights[i]!
      diagonal[i] = diagonal[i]! + curved(i)
    }
    const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    if (!(largest > tolerance)) break
    const hessianTimes = (v: Float64Array): Float64Array => {
      const along = timesRows(table, v)
      for (let row = 0; row < along.length; row += levels) {
        let mean = 0
        for (let y = 0; y < levels; y++) mean += shares[row + y]! * along[row + y]!
        for (let y = 0; y < levels; y++) along[row + y] = shares[row + y]! * (along[row + y]! - mean)
      }
      return overRows(table, along).map((value, i) => value + curved(i) * v[i]!)
    }
    const step = conjugateGradient(hessianTimes, gradient, diagonal, stepAccuracy)
    let next: ReturnType<typeof evaluate> | null = null
    for (let share = 1; share > 1e-4 && next === null; share /= 2) {
      const moved = evaluate(weights.map((value, i) => value - share * step[i]!))
      if (moved.loss <= here.loss) next = moved
    }
    if (next === null) break
    here = next
    weights = next.at as Float64Array<ArrayBuffer>
  }
  return { outcome, weights: Float32Array.from(weights) }
}

/** By row, the share of every level of the outcome given the row's other codes. */
export const outcomeShares = (layout: Layout, { outcome, weights }: OutcomeLaw, cells: Uint16Array): Float64Array => {
  const levels = layout.sizes[outcome]!
  return softmaxRows(timesRows({ layout, cells, outcome, levels }, Float64Array.from(weights)), levels)
}

interface Table {
  readonly layout: Layout
  readonly cells: Uint16Array
  readonly outcome: number
  readonly levels: number
}

/** Rows x levels: for each row the weights of its cells and the intercepts, added up. */
const timesRows = ({ layout, cells, outcome, levels }: Table, weights: Float64Array): Float64Array => {
  const { sizes, offsets, cells: width } = layout
  const columns = sizes.length
  const out = new Float64Array((cells.length / columns) * levels)
  for (let at = 0, row = 0; at < cells.length; at += columns, row += levels) {
    for (let y = 0; y < levels; y++) out[row + y] = weights[width * levels + y]!
    for (let j = 0; j < columns; j++) {
      if (j === outcome) continue
      const cell = (offsets[j]! + cells[at + j]!) * levels
      for (let y = 0; y < levels; y++) out[row + y] = out[row + y]! + weights[cell + y]!
    }
  }
  return out
}

/** The transpose: (cells + 1) x levels. */
const overRows = ({ layout, cells, outcome, levels }: Table, values: Float64Array): Float64Array => {
  const { sizes, offsets, cells: width } = layout
  const columns = sizes.length
  const out = new Float64Array((width + 1) * levels)
  for (let at = 0, row = 0; at < cells.length; at += columns, row += levels) {
    for (let y = 0; y < levels; y++) out[width * levels + y] = out[width * levels + y]! + values[row + y]!
    for (let j = 0; j < columns; j++) {
      if (j === outcome) continue
      const cell = (offsets[j]! + cells[at + j]!) * levels
      for (let y = 0; y < levels; y++) out[cell + y] = out[cell + y]! + values[row + y]!
    }
  }
  return out
}

const softmaxRows = (scores: Float64Array, levels: number): Float64Array => {
  for (let row = 0; row < scores.length; row += levels) {
    let top = Number.NEGATIVE_INFINITY
    for (let y = 0; y < levels; y++) top = Math.max(top, scores[row + y]!)
    let total = 0
    for (let y = 0; y < levels; y++) total += scores[row + y] = Math.exp(scores[row + y]! - top)
    for (let y = 0; y < levels; y++) scores[row + y] = scores[row + y]! / total
  }
  return scores
}
