import { CodedError } from '../errors.ts'
import { isInside, type Layout, rowCount } from './cells.ts'
import type { Batch } from './family.ts'

/** Shares of a unit are whole multiples of this, so that a float64 sum of up to 2^23 units is exact. */
const shareUnit = 2 ** -30

/** A batch as sums over units work on it: every row, padding included, is gone through alike (R10). */
export interface UnitRows {
  readonly rows: number
  /** By row: its part of its unit, 1 / (rows of the unit) rounded down to a multiple of 2^-30; 0: the row does not count. */
  readonly shares: Float64Array
  /** The rows, those with a code outside the layout read as all zeros: their share is 0, their work is not. */
  readonly cells: Uint16Array
}

/**
 * Who counts how much: the shares of one unit add up to at most 1. A row with a code outside the layout counts as zero. Throws
 * `ARGUMENT_INVALID` when the counts do not add up to the rows drawn, or more are drawn than there is room for.
 */
export const unitRows = (layout: Layout, { cells, drawn, rowsPerUnit, counts }: Batch): UnitRows => {
  const rows = rowCount(layout, cells)
  if (!Number.isInteger(drawn) || drawn < 0 || drawn > rows)
    throw new CodedError('ARGUMENT_INVALID', 'more rows drawn than the batch has room for')
  if (counts !== null && counts.length !== rows) throw new CodedError('ARGUMENT_INVALID', 'a batch has one mark a row')
  const shares = new Float64Array(rows)
  if (rowsPerUnit === null) shares.fill(1, 0, drawn)
  else if (rowsPerUnit.reduce((total, count) => total + count, 0) !== drawn)
    throw new CodedError('ARGUMENT_INVALID', 'the rows per unit do not add up to the rows')
  else {
    let row = 0
    for (const count of rowsPerUnit) shares.fill(Math.floor(1 / shareUnit / count) * shareUnit, row, (row += count))
  }
  const columns = layout.sizes.length
  let inside = cells
  for (let row = 0; row < rows; row++) {
    if (counts?.[row] === 0) shares[row] = 0
    if (isInside(layout, cells, row)) continue
    shares[row] = 0
    if (inside === cells) inside = cells.slice()
    inside.fill(0, row * columns, (row + 1) * columns)
  }
  return { rows, shares, cells: inside }
}
