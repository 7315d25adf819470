import type { Layout } from '@tributary/shared/synthesizers/cells'
import { columnSets } from './column-sets.ts'
import { type Marginal, marginalOf, totalVariation } from '@tributary/shared/evaluation/marginal'

/** A table of codes (row-major, rows x columns) and, unless every row counts the same, a weight for each row. */
export interface WeightedRows {
  readonly cells: Uint16Array
  readonly weights?: Float64Array
}

/**
 * Mean total variation distance between the 1-, 2- or 3-way marginals of two tables, over all sets of `ways` columns; for
 * 3 ways over 200 sets, always the same for a layout. Each table is scaled to one. Cost: sets x rows.
 */
export const marginalDistance = (layout: Layout, ways: 1 | 2 | 3, left: WeightedRows, right: WeightedRows): number =>
  meanDistance(layout, ways, (columns) => marginalOf(layout, columns, left), right)

/** The same for a table with the columns of `left`, each exactly, and no two together: what knowing pairs is worth. */
export const independentDistance = (
  layout: Layout,
  ways: 1 | 2 | 3,
  left: WeightedRows,
  right: WeightedRows,
): number => {
  const single = layout.sizes.map((_, j) => marginalOf(layout, [j], left))
  const product = (columns: readonly number[]) =>
    columns.reduce((table, j) => outer(table, single[j] as Float64Array), Float64Array.of(1))
  return meanDistance(layout, ways, product, right)
}

const meanDistance = (
  layout: Layout,
  ways: 1 | 2 | 3,
  left: (columns: readonly number[]) => Marginal,
  right: WeightedRows,
): number => {
  const sets = columnSets(layout.sizes.length, ways)
  const distances = sets.map((columns) => totalVariation(left(columns), marginalOf(layout, columns, right)))
  return distances.reduce((total, distance) => total + distance, 0) / sets.length
}

const outer = (a: Float64Array, b: Float64Array): Float64Array<ArrayBuffer> =>
  Float64Array.from({ length: a.length * b.length }, (_, i) => a[Math.floor(i / b.length)]! * b[i % b.length]!)
