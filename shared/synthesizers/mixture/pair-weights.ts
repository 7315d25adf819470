import { floatSlack } from '../clipped-sum.ts'
import { centredSquare, type PairLayout, pairShape } from './pair-layout.ts'

/** Largest squared length of one unit's vector that a site accepts: leaves 2^-10 for rounding. */
export const mostSquaredLength = (1 - floatSlack) ** 2

/** Squared length of one row's vector under `weights`: sum over pairs of w^2 (1 - 1/g_i) (1 - 1/g_j). */
export const squaredLength = (pairs: PairLayout, weights: Float32Array): number =>
  weights.reduce((sum, weight, pair) => sum + weight * weight * centredSquare(pairs, pair), 0)

/**
 * Weights by pair: the noise of a cell of pair p is the release's noise over weight p, so that weight squared is precision.
 * Precision is proportional to the block's cells to the power `exponent`, over the length that a row has in it, times
 * `outcomeWeight` for pairs of `outcome` (a column number). From public facts alone.
 */
export const pairWeights = (
  pairs: PairLayout,
  exponent: number,
  outcome: number | null,
  outcomeWeight: number,
): Float32Array =>
  weightsOf(
    pairs,
    Float64Array.from({ length: pairs.pairs }, (_, pair) => {
      const { i, j, rows, columns } = pairShape(pairs, pair)
      const length = Math.sqrt(centredSquare(pairs, pair))
      const focus = i === outcome || j === outcome ? outcomeWeight : 1
      return length > 0 ? ((rows * columns) ** exponent * focus) / length : 0
    }),
  )

/**
 * Weights for wanted precisions (not negative), scaled to just under what a site accepts, float32 included. A pair with a column of
 * one group has nothing to tell: weight 0. All 0 where no pair tells anything.
 */
export const weightsOf = (pairs: PairLayout, precision: Float64Array): Float32Array => {
  const most = precision.reduce((a, b) => Math.max(a, b), 0)
  const wanted = precision.map((value, pair) => (most > 0 && centredSquare(pairs, pair) > 0 ? value / most : 0))
  const total = wanted.reduce((sum, value, pair) => sum + value * centredSquare(pairs, pair), 0)
  const scale = total > 0 ? (mostSquaredLength * (1 - 2 ** -20)) / total : 0
  return Float32Array.from(wanted, (value) => Math.sqrt(value * scale))
}
