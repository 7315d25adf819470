import type { Layout } from './cells.ts'

const stepBound = 5
const factorBound = 20
/** Passes from equal factors; a fit that starts near its end needs fewer. */
const passes = 30

/** A factor for every cell of the layout, and what `rows` rows weigh with them: the product of their cells' factors. */
export interface Raking {
  readonly factors: Float64Array
  readonly weights: Float64Array
}

export interface RakeStart {
  /** What a row counts before raking; 1 each unless given. */
  readonly weights?: Float64Array
  readonly factors?: Float64Array
  readonly passes?: number
}

/**
 * Weights of `rows` rows, mean about 1, under which each column's shares are `marginals`: iterative proportional fitting
 * (Deming and Stephan 1940). The weight of a row is a product over its cells, so that the same fit tilts a distribution as
 * it weights a pool. A step changes a factor by 5 at most and a factor stays within 1/20 to 20, so that a share the rows
 * hardly have is approached rather than forced. Cost: 30 x rows x columns.
 */
export const rake = (
  layout: Layout,
  marginals: Float64Array,
  cells: Uint16Array,
  rows: number,
  start: RakeStart = {},
): Raking => {
  const { offsets, sizes } = layout
  const columns = sizes.length
  const factors = start.factors?.slice() ?? new Float64Array(layout.cells).fill(1)
  const weights = start.weights?.slice() ?? new Float64Array(rows).fill(1)
  if (start.factors) for (let j = 0; j < columns; j++) multiply(weights, cells, columns, j, start.factors, offsets[j]!)
  const widest = Math.max(...sizes)
  const shares = new Float64Array(widest)
  const steps = new Float64Array(widest)
  for (let pass = 0; pass < (start.passes ?? passes); pass++)
    for (let j = 0; j < columns; j++) {
      shares.fill(0)
      let total = 0
      for (let r = 0, at = j; r < rows; r++, at += columns) {
        const weight = weights[r]!
        shares[cells[at]!]! += weight
        total += weight
      }
      const first = offsets[j]!
      for (let code = 0; code < sizes[j]!; code++) {
        const share = shares[code]!
        const before = factors[first + code]!
        const step = share > 0 ? bounded((marginals[first + code]! * total) / share, stepBound) : 1
        const after = bounded(before * step, factorBound)
        factors[first + code] = after
        steps[code] = after === before * step ? step : after / before
      }
      multiply(weights, cells, columns, j, steps, 0)
    }
  return { factors, weights }
}

const multiply = (
  weights: Float64Array,
  cells: Uint16Array,
  columns: number,
  column: number,
  by: Float64Array,
  first: number,
) => {
  for (let r = 0, at = column; r < weights.length; r++, at += columns) weights[r]! *= by[first + cells[at]!]!
}

const bounded = (value: number, bound: number) => Math.min(Math.max(value, 1 / bound), bound)
