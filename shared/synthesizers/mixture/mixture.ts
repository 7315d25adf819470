import type { ColumnCells } from '../cell-condition.ts'
import type { Layout } from '../cells.ts'

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
}

/** Least probability of a cell in a component: no condition meets a mass of nothing. */
const leastProbability = 1e-9

/** The same probabilities, none of them 0. */
export const withoutZeros = (probabilities: Float32Array): Float32Array =>
  probabilities.map((share) => Math.max(share, leastProbability))
