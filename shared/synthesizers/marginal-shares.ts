import { sizeOfColumn } from '../schema/column.ts'
import type { ColumnSpec } from '../study/study-schema.ts'
import { layoutOf } from './cells.ts'
import { normSub } from './norm-sub.ts'
import { smoothCounts } from './smooth-counts.ts'
import { topDownShares } from './top-down-shares.ts'

export interface MarginalShares {
  /** Units that the counts speak of, above 0. */
  readonly units: number
  /** Share of every level, each column adding up to 1. */
  readonly shares: Float64Array
}

/**
 * Noisy 1-way counts (one a level, each with noise of standard deviation `noise`) as shares. The number of units is the mean of the
 * columns' sums, weighted by the inverse of their noise; `divisor`, the promised number, when that is below 1. Counts of numbers and
 * of ordered levels are smoothed and shared out from the top, missing apart; other counts by norm-sub. Post-processing.
 */
export const marginalShares = (
  columns: readonly ColumnSpec[],
  counts: Float64Array,
  noise: number,
  divisor: number,
): MarginalShares => {
  const { sizes, offsets, cells } = layoutOf(columns.map(sizeOfColumn))
  let units = 0
  let precision = 0
  sizes.forEach((size, j) => {
    units += counts.subarray(offsets[j]!, offsets[j + 1]!).reduce((a, b) => a + b, 0) / size
    precision += 1 / size
  })
  units = units / precision > 1 ? units / precision : divisor
  const shares = new Float64Array(cells)
  columns.forEach((column, j) => {
    const noisy = counts.subarray(offsets[j]!, offsets[j + 1]!)
    const isOrdered = column.kind !== 'categorical' || column.ordered
    const ofColumn = isOrdered ? orderedShares(noisy, column.missing === 'level', noise, units) : normSub(noisy, units)
    shares.set(ofColumn, offsets[j]!)
  })
  return { units, shares }
}

/** The last cell apart where it is the missing level: it is no neighbour of the largest value. */
const orderedShares = (counts: Float64Array, hasMissing: boolean, noise: number, units: number): Float64Array => {
  const present = counts.subarray(0, counts.length - (hasMissing ? 1 : 0))
  const smooth = smoothCounts(present, noise)
  if (!hasMissing) return topDownShares(smooth, units)
  if (present.length === 0) return Float64Array.of(1)
  const absent = counts[present.length]!
  const counted = present.reduce((a, b) => a + b, 0) + absent
  const missing = Math.min(1, Math.max(0, (absent + (units - counted) / counts.length) / units))
  const shares = new Float64Array(counts.length).fill(missing)
  if (missing < 1) shares.set(topDownShares(smooth, units * (1 - missing)).map((share) => share * (1 - missing)))
  else shares.fill(0, 0, present.length)
  return shares
}
