import { CodedError } from '../errors.ts'
import { isInside, rowCount } from '../synthesizers/cells.ts'
import { type ClippedSum, clippedSum } from '../synthesizers/clipped-sum.ts'
import { clipNorm } from '../units.ts'
import { histogramCell, type Scorer } from './scorer.ts'

/** Shares of a patient are whole multiples of 2^-30, so that a float64 sum of up to 2^23 patients is exact. */
const sharesOfOne = 2 ** 30

/** Most that one patient adds, in L1 and so in L2: a share for each row, together at most 1. */
export const scoreNorm = clipNorm(1)

/**
 * The sum over patients of the mean of their rows' one-hot (label, score bin): negatives' bins, then positives'; 2 bins long,
 * sensitivity 1 in L1 and L2, exact, whatever the scorer says (R22). Neighbours add or remove one patient with all rows: many rows
 * weigh no more than one. `rowsPerUnit` counts the consecutive rows of each patient; null: every row is a unit. Only the first
 * `drawn` rows count, the others are padding, worked on all the same (R10). A row with a code outside the layout counts as
 * zero. Throws `ARGUMENT_INVALID` when the counts do not add up to the rows drawn. Cost: rows x columns, padding included.
 */
export const scoreSum = (
  scorer: Scorer,
  cells: Uint16Array,
  rowsPerUnit: Uint32Array | null,
  drawn: number = rowCount(scorer.shape.layout, cells),
): ClippedSum => {
  const { layout, bins } = scorer.shape
  const rows = rowCount(layout, cells)
  const counted = rowsPerUnit?.reduce((total, count) => total + count, 0) ?? drawn
  if (counted !== drawn || drawn > rows)
    throw new CodedError('ARGUMENT_INVALID', 'the rows per unit do not add up to the rows')
  const shares = new Float64Array(rows)
  if (rowsPerUnit === null) shares.fill(1, 0, drawn)
  else {
    let row = 0
    for (const count of rowsPerUnit) shares.fill(Math.floor(sharesOfOne / count) / sharesOfOne, row, (row += count))
  }
  const blank = new Uint16Array(layout.sizes.length)
  const sum = new Float64Array(2 * bins)
  for (let row = 0; row < rows; row++) {
    const counts = isInside(layout, cells, row)
    const cell = counts ? histogramCell(scorer, cells, row) : histogramCell(scorer, blank, 0)
    sum[cell] = sum[cell]! + (counts ? shares[row]! : 0)
  }
  return clippedSum(sum, scoreNorm)
}
