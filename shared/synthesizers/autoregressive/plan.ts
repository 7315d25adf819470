import { type ClipNorm, clipNorm } from '../../units.ts'
import type { Layout } from '../cells.ts'
import { networkOf } from './network.ts'
import type { AutoregressiveSettings } from './settings.ts'

/** What a query's vector looks like, from public facts alone. */
export interface QueryShape {
  /** Length of the vector. */
  readonly dimension: number
  /** Largest L2 norm of one unit's vector; neighbours add or remove one unit. */
  readonly clipNorm: ClipNorm
}

/**
 * The two queries of an autoregressive study: the 1-way marginals once (a unit's vector is the mean of its one-hot rows:
 * norm at most sqrt(columns)), and the gradient at every step (one row of the unit, clipped to 1).
 */
export const describeQueries = (
  layout: Layout,
  settings: AutoregressiveSettings,
): { readonly marginals: QueryShape; readonly gradient: QueryShape } => ({
  marginals: { dimension: layout.cells, clipNorm: marginalNorm(layout) },
  gradient: { dimension: networkOf(layout, settings).dimension, clipNorm: clipNorm(1) },
})

/** The norm of a one-hot row, and the most that a mean of such rows can have. */
export const marginalNorm = (layout: Layout): ClipNorm => clipNorm(Math.sqrt(layout.sizes.length))
