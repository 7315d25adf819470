import type { Layout } from '@tributary/shared/synthesizers/cells'

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
  meanDistance(layout, ways, (columns) => marginal(layout, columns, left), right)

/** The same for a table with the columns of `left`, each exactly, and no two together: what knowing pairs is worth. */
export const independentDistance = (
  layout: Layout,
  ways: 1 | 2 | 3,
  left: WeightedRows,
  right: WeightedRows,
): number => {
  const single = layout.sizes.map((_, j) => marginal(layout, [j], left))
  const product = (columns: readonly number[]) =>
    columns.reduce((table, j) => outer(table, single[j]!), Float64Array.of(1))
  return meanDistance(layout, ways, product, right)
}

const meanDistance = (
  layout: Layout,
  ways: number,
  left: (columns: readonly number[]) => Float64Array,
  right: WeightedRows,
): number => {
  const sets = columnSets(layout.sizes.length, ways)
  let total = 0
  for (const columns of sets) {
    const a = left(columns)
    const b = marginal(layout, columns, right)
    let distance = 0
    for (let i = 0; i < a.length; i++) distance += Math.abs(a[i]! - b[i]!)
    total += distance / 2
  }
  return total / sets.length
}

const outer = (a: Float64Array, b: Float64Array): Float64Array<ArrayBuffer> =>
  Float64Array.from({ length: a.length * b.length }, (_, i) => a[Math.floor(i / b.length)]! * b[i % b.length]!)

const threeWaySets = 200

const columnSets = (columns: number, ways: number): number[][] => {
  let sets: number[][] = [[]]
  for (let way = 0; way < ways; way++)
    sets = sets.flatMap((set) =>
      Array.from({ length: columns }, (_, j) => j).flatMap((j) => (j > (set.at(-1) ?? -1) ? [[...set, j]] : [])),
    )
  if (ways < 3 || sets.length <= threeWaySets) return sets
  return Array.from({ length: threeWaySets }, (_, i) => sets[Math.floor(((i + 0.5) * sets.length) / threeWaySets)]!)
}

const marginal = ({ sizes }: Layout, columns: readonly number[], { cells, weights }: WeightedRows): Float64Array => {
  const width = sizes.length
  const rows = cells.length / width
  const table = new Float64Array(columns.reduce((size, j) => size * sizes[j]!, 1))
  let total = 0
  for (let r = 0; r < rows; r++) {
    let index = 0
    for (const j of columns) index = index * sizes[j]! + cells[r * width + j]!
    const weight = weights?.[r] ?? 1
    table[index] = table[index]! + weight
    total += weight
  }
  return table.map((value) => value / total)
}
