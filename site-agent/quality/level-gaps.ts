import type { WeightedRows } from '@tributary/shared/evaluation/logistic-model'
import { marginalOf } from '@tributary/shared/evaluation/marginal'
import type { Layout } from '@tributary/shared/synthesizers/cells'

/** A level whose share here is far from its share in the cohort. */
export interface LevelGap {
  readonly column: number
  readonly code: number
  /** Rows of it here: for a coarse count alone. */
  readonly rows: number
  readonly here: number
  readonly pooled: number
  /** Standard deviations of the difference of two samples of one population, of as many units and as many rows; capped at 99. */
  readonly deviations: number
}

/** Fewer says nothing about a group. */
const leastDeviations = 3
const most = 12
const cap = 99

/** The levels that the cohort serves worst here: more than 3 standard deviations off, at most 12, farthest first. */
export const levelGaps = (layout: Layout, here: WeightedRows, units: number, cohort: WeightedRows): LevelGap[] => {
  const columns = layout.sizes.length
  const pooledRows = cohort.cells.length / columns
  return layout.sizes
    .flatMap((size, column) => {
      const own = marginalOf(layout, [column], here) as Float64Array
      const pooled = marginalOf(layout, [column], cohort) as Float64Array
      const rows = new Uint32Array(size)
      for (let at = column; at < here.cells.length; at += columns) rows[here.cells[at]!] = rows[here.cells[at]!]! + 1
      return Array.from({ length: size }, (_, code): LevelGap => {
        const share = pooled[code]!
        const gap = Math.abs(own[code]! - share)
        const together = (own[code]! * units + share * pooledRows) / (units + pooledRows)
        const deviation = Math.sqrt(together * (1 - together) * (1 / units + 1 / pooledRows))
        const deviations = gap === 0 ? 0 : Math.min(cap, gap / deviation)
        return { column, code, rows: rows[code]!, here: own[code]!, pooled: share, deviations }
      })
    })
    .filter(({ deviations }) => deviations > leastDeviations)
    .sort((a, b) => b.deviations - a.deviations || Math.abs(b.here - b.pooled) - Math.abs(a.here - a.pooled))
    .slice(0, most)
}
