import { sizeOfColumn } from '../schema/column.ts'
import type { ColumnSpec } from '../study/study-schema.ts'
import { layoutOf } from './cells.ts'
import { normSub } from './norm-sub.ts'
import { smoothCounts } from './smooth-counts.ts'

export interface MarginalShares {
  /** Units that the counts speak of, above 0. */
  readonly units: number
  /** Share of every level, each column adding up to 1. */
  readonly shares: Float64Array
}

/**
 * Noisy 1-way counts (one a level, each with noise of standard deviation `noise`) as shares. The number of units is the mean of the
 * columns' sums, weighted by the inverse of their noise; `divisor`, the promised number, when that is below 1. Counts of numbers and
 * of ordered levels are smoothed, missing apart; then norm-sub towards the number of units. Post-processing.
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
    const noisy = counts.slice(offsets[j]!, offsets[j + 1]!)
    if (column.kind !== 'categorical' || column.ordered) {
      const present = noisy.subarray(0, noisy.length - (column.missing === 'level' ? 1 : 0))
      present.set(smoothCounts(present, noise))
    }
    shares.set(normSub(noisy, units), offsets[j]!)
  })
  return { units, shares }
}
