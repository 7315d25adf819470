import type { ColumnCells } from '../synthesizers/cell-condition.ts'
import type { Layout } from '../synthesizers/cells.ts'
import type { CounterRandom } from '../synthesizers/counter-random.ts'

/**
 * One row on its way through a generator, column by column: `logits` of column j (log-masses, not normalised) are ready once
 * columns 0 to j - 1 are taken.
 */
export interface RowWalk {
  /** All cells of the layout; a column's are `offsets[j]` up to `offsets[j + 1]`. Whoever reads a column may overwrite it. */
  readonly logits: Float32Array
  /**
   * What is left of the mass of the column whose logits are ready, where the walk leaves codes out: rows drawn by it have the product over their columns
   * for a weight. Without it: all.
   */
  readonly kept?: number
  start(): void
  /** `code` of column `column`: columns in order, each once. */
  take(column: number, code: number): void
}

/**
 * What a completed study publishes, whatever its family: rows of codes by post-processing alone, free of privacy cost. Everything
 * that cohorts do (conditions, raking, reweighting, what-if) is written against this.
 */
export interface Generator {
  readonly family: string
  /** What is modelled: the study's levels, or where a column has too many of them groups of levels. */
  readonly layout: Layout
  /** Noisy share of every cell of `layout`, adding up to 1 in each column: what cohorts are raked to. Null where none was bought. */
  readonly marginals: Float64Array | null
  /** Any run of its rows has these marginals already, evenly spread: to rake and resample them would only add chance. */
  readonly followsMarginals?: boolean
  /** Its walks leave codes out: see `RowWalk.kept`. Rows of `drawRows` have no weights all the same. */
  readonly isMasked?: boolean
  /** By column of the study: its levels as cells of the layout's groups; null where a group is a level. */
  readonly levels: readonly (ColumnCells | null)[]
  /** Rows first .. first + rows, codes of `layout`, row-major: equal arguments give equal rows. */
  drawRows(random: CounterRandom, first: number, rows: number): Uint16Array
  /** A walk of its own: walks do not disturb each other. */
  walk(): RowWalk
  /** Bytes that `decodeGenerator` reads; equal generators give equal bytes. */
  encode(): Uint8Array
}
