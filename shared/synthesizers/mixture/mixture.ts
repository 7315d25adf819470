import type { ColumnCells } from '../cell-condition.ts'
import type { Layout } from '../cells.ts'
import type { OutcomeLaw } from './outcome-law.ts'

/** A fitted mixture of products of independent columns: what a study publishes. All components weigh the same. */
export interface Mixture {
  /** Groups of levels. */
  readonly layout: Layout
  readonly components: number
  /** Components x cells, row-major, above 0; each column of each component adds up to 1 within float32. */
  readonly probabilities: Float32Array
  readonly marginals: Float64Array
  /** By column: levels as cells of groups, null where a group is a level. */
  readonly levels: readonly (ColumnCells | null)[]
  /** How a named outcome follows from all else in drawn rows; null: as the components have it. */
  readonly law: OutcomeLaw | null
}

/** Least probability of a cell in a component: no condition meets a mass of nothing. */
const leastProbability = 1e-9

/** The same probabilities, none of them 0. */
export const withoutZeros = (probabilities: Float32Array): Float32Array =>
  probabilities.map((share) => Math.max(share, leastProbability))

/** Cells beyond which pairs are not kept: 16 MB. */
const mostPairCells = 2 ** 11

/**
 * What a mixture expects of every pair of columns: cells x cells shares, symmetric; null for a layout so large that the square is
 * not worth its memory. Plain float64 sums, so that every machine finds the same. Cost: components x cells^2 / 2.
 */
export const pairShares = ({
  layout,
  components,
  probabilities,
}: Pick<Mixture, 'layout' | 'components' | 'probabilities'>): Float32Array | null => {
  const { cells } = layout
  if (cells > mostPairCells) return null
  const sums = new Float64Array(cells * cells)
  for (let start = 0; start < probabilities.length; start += cells)
    for (let a = 0; a < cells; a++) {
      const share = probabilities[start + a]! / components
      for (let b = a; b < cells; b++) sums[a * cells + b] = sums[a * cells + b]! + share * probabilities[start + b]!
    }
  const shares = new Float32Array(cells * cells)
  for (let a = 0; a < cells; a++)
    for (let b = a; b < cells; b++) shares[a * cells + b] = shares[b * cells + a] = sums[a * cells + b]!
  return shares
}
