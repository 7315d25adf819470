import type { Layout } from '../synthesizers/cells.ts'
import type { WeightedRows } from './logistic-model.ts'

/** Beyond so many cells a table is kept by the codes that occur alone. */
const mostDense = 1 << 18

/** Shares of the codes of some columns together, adding up to 1: every one of them, or only those that occur. */
export type Marginal = Float64Array | Map<number, number>

/** Number of a row's codes in `columns`, the last running fastest: below 2^53 for what a layout allows of 3 columns. */
const indexer = ({ sizes }: Layout, columns: readonly number[], cells: Uint16Array) => {
  const width = sizes.length
  return (row: number): number => {
    let index = 0
    for (const j of columns) index = index * sizes[j]! + cells[row * width + j]!
    return index
  }
}

/** Cost: rows; memory: the cells of the columns, or where they are too many the codes that occur. */
export const marginalOf = (layout: Layout, columns: readonly number[], { cells, weights }: WeightedRows): Marginal => {
  const size = columns.reduce((product, j) => product * layout.sizes[j]!, 1)
  const rows = cells.length / layout.sizes.length
  const indexOf = indexer(layout, columns, cells)
  let total = 0
  if (size <= mostDense) {
    const table = new Float64Array(size)
    for (let r = 0; r < rows; r++) {
      const weight = weights?.[r] ?? 1
      const index = indexOf(r)
      table[index] = table[index]! + weight
      total += weight
    }
    return table.map((value) => value / total)
  }
  const table = new Map<number, number>()
  for (let r = 0; r < rows; r++) {
    const weight = weights?.[r] ?? 1
    const index = indexOf(r)
    table.set(index, (table.get(index) ?? 0) + weight)
    total += weight
  }
  for (const [index, value] of table) table.set(index, value / total)
  return table
}

/** Half the L1 distance of two marginals of the same columns. */
export const totalVariation = (left: Marginal, right: Marginal): number => {
  let distance = 0
  if (left instanceof Float64Array && right instanceof Float64Array)
    for (let i = 0; i < left.length; i++) distance += Math.abs(left[i]! - right[i]!)
  else {
    const at = (table: Marginal, index: number) => (table instanceof Map ? table.get(index) : table[index]) ?? 0
    left.forEach((value, index) => {
      distance += Math.abs(value - at(right, index))
    })
    // What occurs on the right alone.
    right.forEach((value, index) => {
      if (at(left, index) === 0) distance += value
    })
  }
  return distance / 2
}

/**
 * Cramer's V of two columns from their 2-way marginal (rows of the table: the first column): sqrt(phi^2 / (least levels - 1)), levels
 * that occur alone; 0 where a column has one. phi^2 = sum p^2 / (p_a p_b) - 1.
 */
export const cramersV = ({ sizes }: Layout, [a, b]: readonly [number, number], pair: Marginal): number => {
  const first = new Float64Array(sizes[a]!)
  const second = new Float64Array(sizes[b]!)
  pair.forEach((value, index) => {
    const [i, j] = [Math.floor(index / second.length), index % second.length]
    first[i] = first[i]! + value
    second[j] = second[j]! + value
  })
  const occurring = (shares: Float64Array) => shares.reduce((count, share) => count + (share > 0 ? 1 : 0), 0)
  const degrees = Math.min(occurring(first), occurring(second)) - 1
  if (degrees < 1) return 0
  let phi = -1
  pair.forEach((value, index) => {
    if (value > 0) phi += value ** 2 / (first[Math.floor(index / second.length)]! * second[index % second.length]!)
  })
  return Math.sqrt(Math.max(phi, 0) / degrees)
}
