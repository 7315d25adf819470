import { type ClipNorm, clipNorm } from '../units.ts'
import { type Layout, rowCount } from './cells.ts'
import { type ClippedSum, clippedSum } from './clipped-sum.ts'
import { unitRows } from './unit-shares.ts'

/** The norm of a one-hot row, and the most that a mean of such rows can have. */
export const marginalNorm = (layout: Layout): ClipNorm => clipNorm(Math.sqrt(layout.sizes.length))

/**
 * The sum over units of the mean of a unit's one-hot rows; `layout.cells` long, sensitivity sqrt(columns), exact: a row's
 * share is rounded down to a multiple of 2^-30, which can only shorten the vector.
 *
 * Neighbours add or remove one unit with all its rows. `rowsPerUnit` counts the consecutive rows of each unit; null: every
 * row is a unit. Only the first `drawn` rows count, the others are padding: worked on all the same (R10). A row with a code
 * outside the layout counts as zero. Throws `ARGUMENT_INVALID` when the counts do not add up to the rows drawn. Cost: rows x
 * columns, padding included.
 */
export const marginalSum = (
  layout: Layout,
  cells: Uint16Array,
  rowsPerUnit: Uint32Array | null,
  drawn: number = rowCount(layout, cells),
): ClippedSum => {
  const batch = unitRows(layout, { cells, drawn, rowsPerUnit, counts: null })
  const columns = layout.sizes.length
  const sum = new Float64Array(layout.cells)
  for (let row = 0; row < batch.rows; row++) {
    const share = batch.shares[row]!
    for (let j = 0; j < columns; j++) {
      const cell = layout.offsets[j]! + batch.cells[row * columns + j]!
      sum[cell] = sum[cell]! + share
    }
  }
  return clippedSum(sum, marginalNorm(layout))
}
