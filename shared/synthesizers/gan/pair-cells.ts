import type { Layout } from '../cells.ts'

/**
 * All pairs of cells of two columns, as one vector: the upper triangle of blocks in row-major order, row-major inside a block.
 * Block of columns i < j starts at `starts[i * columns + j]`.
 */
export interface PairCells {
  readonly layout: Layout
  readonly starts: Int32Array
  /** Pairs of columns: the number of ones in a row's vector. */
  readonly blocks: number
  readonly dimension: number
}

export const pairCellsOf = (layout: Layout): PairCells => {
  const { sizes } = layout
  const columns = sizes.length
  const starts = new Int32Array(columns * columns)
  let dimension = 0
  for (let i = 0; i < columns; i++)
    for (let j = i + 1; j < columns; j++) {
      starts[i * columns + j] = dimension
      dimension += sizes[i]! * sizes[j]!
    }
  return { layout, starts, blocks: (columns * (columns - 1)) / 2, dimension }
}

/** The vector as a symmetric cells x cells matrix, zero inside a column's own block. */
export const symmetric = ({ layout, starts }: PairCells, vector: ArrayLike<number>): Float32Array => {
  const { offsets, sizes, cells } = layout
  const columns = sizes.length
  const matrix = new Float32Array(cells * cells)
  for (let i = 0; i < columns; i++)
    for (let j = i + 1; j < columns; j++)
      for (let a = 0, at = starts[i * columns + j]!; a < sizes[i]!; a++)
        for (let b = 0; b < sizes[j]!; b++, at++) {
          const value = vector[at]!
          matrix[(offsets[i]! + a) * cells + offsets[j]! + b] = value
          matrix[(offsets[j]! + b) * cells + offsets[i]! + a] = value
        }
  return matrix
}

/** Pairs of levels of two columns: half of (sum squared - sum of squares). */
export const pairCount = (sizes: readonly number[]): number => {
  const sum = sizes.reduce((total, size) => total + size, 0)
  return (sum * sum - sizes.reduce((total, size) => total + size * size, 0)) / 2
}
