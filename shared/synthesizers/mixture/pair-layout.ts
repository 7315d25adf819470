import type { Layout } from '../cells.ts'

/** All pairs of columns i < j as one vector: blocks (0,1), (0,2) ... (1,2) ..., each sizes[i] x sizes[j] cells, row-major. */
export interface PairLayout {
  readonly layout: Layout
  /** columns (columns - 1) / 2. */
  readonly pairs: number
  /** By pair: its columns. */
  readonly left: Uint16Array
  readonly right: Uint16Array
  /** pairs + 1 entries; the last is `dimension`. */
  readonly offsets: Float64Array
  readonly dimension: number
}

export const pairLayoutOf = (layout: Layout): PairLayout => {
  const { sizes } = layout
  const pairs = (sizes.length * (sizes.length - 1)) / 2
  const left = new Uint16Array(pairs)
  const right = new Uint16Array(pairs)
  const offsets = new Float64Array(pairs + 1)
  let pair = 0
  for (let i = 0; i < sizes.length; i++)
    for (let j = i + 1; j < sizes.length; j++, pair++) {
      left[pair] = i
      right[pair] = j
      offsets[pair + 1] = offsets[pair]! + sizes[i]! * sizes[j]!
    }
  return { layout, pairs, left, right, offsets, dimension: offsets[pairs]! }
}

/** The columns of a pair and the sides of its block. */
export const pairShape = ({ layout, left, right, offsets }: PairLayout, pair: number) => {
  const i = left[pair]!
  const j = right[pair]!
  return { i, j, rows: layout.sizes[i]!, columns: layout.sizes[j]!, at: offsets[pair]! }
}

/** Squared length of the double-centred product of two one-hot vectors of the block's sides: the same for every row. */
export const centredSquare = (pairs: PairLayout, pair: number): number => {
  const { rows, columns } = pairShape(pairs, pair)
  return (1 - 1 / rows) * (1 - 1 / columns)
}
