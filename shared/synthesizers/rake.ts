import type { Layout } from './cells.ts'

const passes = 30
const stepBound = 5
const weightBound = 20

/**
 * Weights of `rows` rows, mean about 1, under which each column's shares are `marginals`: iterative proportional fitting
 * (Deming and Stephan 1940). A step changes a weight by a factor of 5 at most and a weight stays within 1/20 to 20 of the
 * mean, so that a share the pool hardly has is approached rather than forced. Cost: 30 x rows x columns.
 */
export const rakeWeights = (
  layout: Layout,
  marginals: Float64Array,
  cells: Uint16Array,
  rows: number,
): Float64Array => {
  const { offsets } = layout
  const columns = layout.sizes.length
  const weights = new Float64Array(rows).fill(1)
  for (let pass = 0; pass < passes; pass++) {
    for (let j = 0; j < columns; j++) {
      const start = offsets[j]!
      const shares = new Float64Array(offsets[j + 1]! - start)
      let total = 0
      for (let r = 0; r < rows; r++) {
        const code = cells[r * columns + j]!
        shares[code] = shares[code]! + weights[r]!
        total += weights[r]!
      }
      const factors = shares.map((share, code) =>
        share > 0 ? bounded((marginals[start + code]! * total) / share, stepBound) : 1,
      )
      for (let r = 0; r < rows; r++) weights[r] = weights[r]! * factors[cells[r * columns + j]!]!
    }
    const mean = weights.reduce((a, b) => a + b, 0) / rows
    for (let r = 0; r < rows; r++) weights[r] = bounded(weights[r]! / mean, weightBound)
  }
  return weights
}

/**
 * The same fit as a function of the row: a factor for every cell, the weight of a row being the product of its cells'.
 * A factor stays within 1/20 to 20.
 */
export const rakeFactors = (
  layout: Layout,
  marginals: Float64Array,
  cells: Uint16Array,
  rows: number,
): Float64Array => {
  const { offsets } = layout
  const columns = layout.sizes.length
  const factors = new Float64Array(layout.cells).fill(1)
  const weights = new Float64Array(rows).fill(1)
  for (let pass = 0; pass < passes; pass++) {
    for (let j = 0; j < columns; j++) {
      const start = offsets[j]!
      const shares = new Float64Array(offsets[j + 1]! - start)
      let total = 0
      for (let r = 0; r < rows; r++) {
        const code = cells[r * columns + j]!
        shares[code] = shares[code]! + weights[r]!
        total += weights[r]!
      }
      const steps = shares.map((share, code) => {
        if (share === 0) return 1
        const before = factors[start + code]!
        const after = bounded(before * bounded((marginals[start + code]! * total) / share, stepBound), weightBound)
        factors[start + code] = after
        return after / before
      })
      for (let r = 0; r < rows; r++) weights[r] = weights[r]! * steps[cells[r * columns + j]!]!
    }
  }
  return factors
}

const bounded = (value: number, bound: number) => Math.min(Math.max(value, 1 / bound), bound)
