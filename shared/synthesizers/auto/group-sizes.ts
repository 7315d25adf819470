import { sizeOfColumn } from '../../schema/column.ts'
import type { ColumnSpec } from '../../study/study-schema.ts'

/** Cells of all pairs together that a hospital sends at once: about 2.5 MB sealed. */
export const mostPairCells = 2 ** 18
/** Groups of all columns together: the fit's cost grows with their square. */
export const mostGroupCells = 2 ** 10
/** An outcome with more levels than this is merged like any other column. */
const mostOutcomeLevels = 64

/** Cells of all pairs of columns with so many groups: the length of the pair query's vector. */
export const pairCellsOf = (sizes: readonly number[]): number => {
  const total = sizes.reduce((a, b) => a + b, 0)
  const squares = sizes.reduce((a, b) => a + b * b, 0)
  return (total * total - squares) / 2
}

export interface GroupWish {
  readonly columns: readonly ColumnSpec[]
  /** n mu / sqrt(pairs), see signal.ts. */
  readonly strength: number
  /** Number of the outcome's column; -1: none. */
  readonly outcome: number
  /** No column has more groups. */
  readonly mostLevels: number
}

/**
 * Groups of levels by column for the pair query. Merging helps while a group's count is lost in the noise: about 0.6 sqrt(strength)
 * runs of an ordered column (a level too few is better than one too many), twice as many commonest levels of a nominal one unless
 * the noise is very loud. A named outcome is kept whole. Then all columns alike are cut until the query is affordable. Null when two
 * groups a column are already too many.
 */
export const groupSizes = ({ columns, strength, outcome, mostLevels }: GroupWish): number[] | null => {
  const runs = Math.max(3, Math.round(0.6 * Math.sqrt(strength)))
  const nominal = strength < 60 ? runs : 2 * runs
  const wanted = columns.map((column, j) => {
    const isNominal = column.kind === 'categorical' && !column.ordered
    const wish = j === outcome ? mostOutcomeLevels : isNominal ? nominal : runs
    return Math.min(sizeOfColumn(column), mostLevels, wish)
  })
  const cut = (most: number) => wanted.map((size) => Math.min(size, most))
  const isAffordable = (sizes: readonly number[]) =>
    pairCellsOf(sizes) <= mostPairCells && sizes.reduce((a, b) => a + b, 0) <= mostGroupCells
  for (let most = Math.max(...wanted, 2); most >= 2; most--) {
    const sizes = cut(most)
    if (isAffordable(sizes)) return sizes
  }
  return null
}
