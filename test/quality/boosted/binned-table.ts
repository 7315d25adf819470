import type { Layout } from '@tributary/shared/synthesizers/cells'
import type { WeightedRows } from '../pairwise-distance.ts'

/** A feature has at most so many bins, as in scikit-learn. */
const mostBins = 255

/** A column as a feature: the bin of each of its codes. Ordered: bins may be cut at a threshold; else any set may go left. */
export interface Feature {
  readonly column: number
  readonly ordered: boolean
  readonly bins: number
  readonly binOf: Uint8Array
}

/** Bins of rows, one array for each feature. */
export interface BinnedTable {
  readonly rows: number
  readonly bins: readonly Uint8Array[]
}

/**
 * Features from the columns of `layout` but those in `without`. A column with more than 255 codes is coarsened by its training
 * rows' counts: an ordered one in runs of about equal mass, another keeps its 254 commonest codes and puts the rest together.
 */
export const featuresOf = (
  layout: Layout,
  ordered: readonly boolean[],
  without: ReadonlySet<number>,
  { cells }: WeightedRows,
): Feature[] =>
  layout.sizes.flatMap((size, column) => {
    if (without.has(column)) return []
    const isOrdered = ordered[column] ?? false
    if (size <= mostBins)
      return [{ column, ordered: isOrdered, bins: size, binOf: Uint8Array.from({ length: size }, (_, code) => code) }]
    const counts = new Float64Array(size)
    for (let at = column; at < cells.length; at += layout.sizes.length) counts[cells[at]!] = counts[cells[at]!]! + 1
    const binOf = isOrdered ? runs(counts) : commonest(counts)
    return [{ column, ordered: isOrdered, bins: mostBins, binOf }]
  })

const runs = (counts: Float64Array): Uint8Array => {
  const total = counts.reduce((sum, count) => sum + count, 0)
  let before = 0
  return Uint8Array.from(counts, (count) => {
    const bin = Math.min(Math.floor(((before + count / 2) * mostBins) / total), mostBins - 1)
    before += count
    return bin
  })
}

const commonest = (counts: Float64Array): Uint8Array => {
  const order = [...counts.keys()].sort((a, b) => counts[b]! - counts[a]! || a - b)
  const binOf = new Uint8Array(counts.length)
  order.forEach((code, rank) => {
    binOf[code] = Math.min(rank, mostBins - 1)
  })
  return binOf
}

export const binned = (features: readonly Feature[], columns: number, cells: Uint16Array): BinnedTable => {
  const rows = cells.length / columns
  return {
    rows,
    bins: features.map(({ column, binOf }) =>
      Uint8Array.from({ length: rows }, (_, r) => binOf[cells[r * columns + column]!]!),
    ),
  }
}
