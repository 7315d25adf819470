import { CodedError } from '../../errors.ts'
import type { ColumnSpec } from '../../study/study-schema.ts'
import { clipNorm } from '../../units.ts'
import { type ClippedSum, clippedSum } from '../clipped-sum.ts'
import type { Batch } from '../family.ts'
import { coarsen, decodeGrouping, type Grouping } from '../grouping.ts'
import { unitRows } from '../unit-shares.ts'
import { type PairLayout, pairLayoutOf, pairShape } from './pair-layout.ts'
import { mostSquaredWeight } from './pair-weights.ts'

/** What a site was shown before it counts pairs. */
export interface PairQuestion {
  readonly grouping: Grouping
  readonly pairs: PairLayout
  /** By pair, float32, not negative; squares add up to at most (1 - 2^-10)^2. */
  readonly weights: Float32Array
}

/**
 * Reads `announced`: a group for every fine cell, then a weight for every pair. Throws `ROUND_REFUSED` for another length, a group
 * that was not planned, a weight that is negative or not finite, or squares that add up to more than (1 - 2^-10)^2 (R14).
 */
export const pairQuestion = (
  columns: readonly ColumnSpec[],
  sizes: readonly number[],
  announced: Float32Array,
): PairQuestion => {
  const pairCount = (columns.length * (columns.length - 1)) / 2
  const mapLength = Math.max(0, announced.length - pairCount)
  const grouping = decodeGrouping(columns, sizes, announced.subarray(0, mapLength))
  const weights = announced.slice(mapLength)
  let squares = 0
  for (const weight of weights) {
    if (!(Number.isFinite(weight) && weight >= 0))
      throw new CodedError('ROUND_REFUSED', 'a weight of a pair is negative or not finite')
    squares += weight * weight
  }
  if (squares > mostSquaredWeight)
    throw new CodedError('ROUND_REFUSED', 'the weights of the pairs add up to more than one patient may count')
  return { grouping, pairs: pairLayoutOf(grouping.layout), weights }
}

/**
 * The sum over units of the mean over a unit's rows of its weighted pairs: block (i, j) is w_ij times the one-hot product of the
 * groups of columns i and j. `pairs.dimension` long; sensitivity 1 under adding or removing one unit with all its rows.
 *
 * Proof. Let v be one unit's vector. In block p its entries are not negative and add up to at most w_p (one cell a row, shares of
 * the rows adding up to at most 1), so the block's L2 norm is at most its L1 norm, w_p, and |v| <= sqrt(sum w_p^2) <= 1 - 2^-10.
 * Counts before the weights are sums of multiples of 2^-30 below 2^23, hence exact in float64; the product with w_p rounds each of
 * both neighbours' cells by at most 2^-53 of it, together at most 2^-52 2^23 in norm, far below the 2^-10 left over. Which groups
 * and weights were announced does not matter for the bound, so they may be chosen from earlier releases.
 *
 * Rows that do not count (padding, codes outside the layout) go through the same work with share 0 (R10). Throws
 * `ARGUMENT_INVALID` when the rows per unit do not add up to the rows drawn. Cost: rows x pairs additions, padding included.
 */
export const pairSum = ({ grouping, pairs, weights }: PairQuestion, batch: Batch): ClippedSum => {
  const { rows, shares, cells } = unitRows(grouping.layout, { ...batch, cells: coarsen(grouping, batch.cells) })
  const columns = grouping.layout.sizes.length
  const codes = Array.from({ length: columns }, (_, j) => {
    const column = new Uint16Array(rows)
    for (let r = 0; r < rows; r++) column[r] = cells[r * columns + j]!
    return column
  })
  const sum = new Float64Array(pairs.dimension)
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const { i, j, rows: height, columns: width, at } = pairShape(pairs, pair)
    const block = sum.subarray(at, at + height * width)
    const left = codes[i]!
    const right = codes[j]!
    for (let r = 0; r < rows; r++) {
      const cell = left[r]! * width + right[r]!
      block[cell] = block[cell]! + shares[r]!
    }
    const weight = weights[pair]!
    for (let cell = 0; cell < block.length; cell++) block[cell] = block[cell]! * weight
  }
  return clippedSum(sum, clipNorm(1))
}
