import { CodedError } from '../../errors.ts'
import type { ColumnSpec } from '../../study/study-schema.ts'
import { clipNorm } from '../../units.ts'
import { type ClippedSum, clippedSum } from '../clipped-sum.ts'
import type { Batch } from '../family.ts'
import { coarsen, decodeGrouping, type Grouping } from '../grouping.ts'
import { unitRows } from '../unit-shares.ts'
import { doubleCentre } from './double-centre.ts'
import { centredSquare, type PairLayout, pairLayoutOf, pairShape } from './pair-layout.ts'
import { mostSquaredLength, squaredLength } from './pair-weights.ts'

/** What a site was shown before it counts pairs. */
export interface PairQuestion {
  readonly grouping: Grouping
  readonly pairs: PairLayout
  /** By pair, float32, not negative; 0 where a side has one group. `squaredLength` is at most (1 - 2^-10)^2. */
  readonly weights: Float32Array
}

/**
 * Reads `announced`: a group for every fine cell, then a weight for every pair. Throws `ROUND_REFUSED` for another length, a group
 * that was not planned, a weight that is negative, not finite or given to a block without content, or weights under which one row
 * is longer than 1 - 2^-10 (R14).
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
  const pairs = pairLayoutOf(grouping.layout)
  weights.forEach((weight, pair) => {
    if (!(Number.isFinite(weight) && weight >= 0) || (weight > 0 && centredSquare(pairs, pair) === 0))
      throw new CodedError('ROUND_REFUSED', 'a weight of a pair is negative, not finite or without use')
  })
  if (!(squaredLength(pairs, weights) <= mostSquaredLength))
    throw new CodedError('ROUND_REFUSED', 'the weights of the pairs make one patient count for more than planned')
  return { grouping, pairs, weights }
}

/**
 * Counts of neighbouring rows are kept apart: an addition would have to wait for the one before where both go to one cell, so that
 * padding, and columns of hardly more than one level, would take twice as long as rows that differ (R10). Not for a block so large
 * that fetching its cells is what takes time.
 */
const lanesOf = (size: number): 1 | 4 => (size > 2 ** 16 ? 1 : 4)

const roomForCounts = ({ offsets, pairs }: PairLayout): Float64Array => {
  let most = 0
  for (let pair = 0; pair < pairs; pair++) {
    const size = offsets[pair + 1]! - offsets[pair]!
    most = Math.max(most, lanesOf(size) * size)
  }
  return new Float64Array(most)
}

/**
 * The sum over units of the mean over a unit's rows of its weighted, double-centred pairs: block (i, j) is
 * w_ij (e_x - 1/g_i) (e_y - 1/g_j)' for the groups x, y of columns i and j, of g_i and g_j. `pairs.dimension` long; sensitivity 1
 * under adding or removing one unit with all its rows. What a table of two columns holds beyond its margins is all there; the margins
 * come from the 1-way release, and leaving them out shortens a row's block from 1 to sqrt((1 - 1/g_i) (1 - 1/g_j)).
 *
 * Proof. |e_x - 1/g|^2 = 1 - 1/g, so a row's vector has squared length sum w_ij^2 (1 - 1/g_i) (1 - 1/g_j) <= (1 - 2^-10)^2, whatever
 * the row. A unit's vector is a sum of its rows' with shares not negative and at most 1 in all: no longer. Centring is linear, so that
 * it is done once for the sum. Counts before it are sums of multiples of 2^-30 below 2^23, hence exact in float64; centring and the
 * weight round a cell a few times by 2^-53 of numbers that are at most 2^23 in norm over a block, at most 2^-49 2^23 for both
 * neighbours, and weights are at most 2 in norm (g >= 2 where one is not 0): far below the 2^-10 left over. Which groups and weights
 * were announced does not matter for the bound, so they may be chosen from earlier releases.
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
  const counted = roomForCounts(pairs)
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const { i, j, rows: height, columns: width, at } = pairShape(pairs, pair)
    const block = sum.subarray(at, at + height * width)
    const left = codes[i]!
    const right = codes[j]!
    const size = height * width
    const lanes = lanesOf(size)
    counted.fill(0, 0, lanes * size)
    for (let r = 0; r < rows; r++) {
      const cell = (r & (lanes - 1)) * size + left[r]! * width + right[r]!
      counted[cell] = counted[cell]! + shares[r]!
    }
    for (let from = 0; from < lanes * size; from += size)
      for (let cell = 0; cell < size; cell++) block[cell] = block[cell]! + counted[from + cell]!
    doubleCentre(block, height, width)
    const weight = weights[pair]!
    for (let cell = 0; cell < block.length; cell++) block[cell] = block[cell]! * weight
  }
  return clippedSum(sum, clipNorm(1))
}
