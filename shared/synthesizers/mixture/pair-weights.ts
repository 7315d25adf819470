import { floatSlack } from '../clipped-sum.ts'
import { type PairLayout, pairShape } from './pair-layout.ts'

/** Largest sum of squared weights that a site accepts: leaves 2^-10 for rounding. */
export const mostSquaredWeight = (1 - floatSlack) ** 2

/**
 * Weights by pair: the noise of a cell of pair p is the release's noise over weight p, so that weight squared is precision.
 * Precision is proportional to the block's cells to the power `exponent`, times `outcomeWeight` for pairs of `outcome` (a column
 * number). From public facts alone. Float32; the squares add up to just under (1 - 2^-10)^2.
 */
export const pairWeights = (
  pairs: PairLayout,
  exponent: number,
  outcome: number | null,
  outcomeWeight: number,
): Float32Array => {
  const precision = Float64Array.from({ length: pairs.pairs }, (_, pair) => {
    const { i, j, rows, columns } = pairShape(pairs, pair)
    return (rows * columns) ** exponent * (i === outcome || j === outcome ? outcomeWeight : 1)
  })
  return weightsOf(precision)
}

/** Weights for wanted precisions (not negative, one of them positive), scaled to the budget of squares; float32 included. */
export const weightsOf = (precision: Float64Array): Float32Array => {
  const total = precision.reduce((a, b) => a + b, 0)
  const scale = (mostSquaredWeight * (1 - 2 ** -20)) / total
  return Float32Array.from(precision, (value) => Math.sqrt(value * scale))
}
