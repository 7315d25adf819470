import { CodedError } from '../errors.ts'

/**
 * The declared one-hot layout of a table: column j has `sizes[j]` levels, its cells are `offsets[j]` up to but without
 * `offsets[j + 1]`. Rows travel as codes: a Uint16Array of rows x columns, row-major, each code below its column's size.
 */
export interface Layout {
  readonly sizes: readonly number[]
  /** columns + 1 entries; the last is `cells`. */
  readonly offsets: Int32Array
  /** Sum of the sizes. */
  readonly cells: number
}

/** Throws `ARGUMENT_INVALID` unless there is a column and every size is a whole number from 1 to 65,536. */
export const layoutOf = (sizes: readonly number[]): Layout => {
  if (sizes.length === 0) throw new CodedError('ARGUMENT_INVALID', 'a layout needs at least one column')
  const offsets = new Int32Array(sizes.length + 1)
  sizes.forEach((size, column) => {
    if (!Number.isInteger(size) || size < 1 || size > 65_536)
      throw new CodedError('ARGUMENT_INVALID', `column ${column} must have 1 to 65,536 levels`)
    offsets[column + 1] = offsets[column]! + size
  })
  return { sizes: [...sizes], offsets, cells: offsets[sizes.length]! }
}

/** Whole rows in `cells`. Throws `ARGUMENT_INVALID` when the last row is incomplete. */
export const rowCount = (layout: Layout, cells: Uint16Array): number => {
  const rows = cells.length / layout.sizes.length
  if (!Number.isInteger(rows)) throw new CodedError('ARGUMENT_INVALID', 'cells do not hold whole rows')
  return rows
}

/** True when every code of row `row` is below its column's size. */
export const isInside = (layout: Layout, cells: Uint16Array, row: number): boolean => {
  const { sizes } = layout
  const start = row * sizes.length
  for (let column = 0; column < sizes.length; column++) if (cells[start + column]! >= sizes[column]!) return false
  return true
}
