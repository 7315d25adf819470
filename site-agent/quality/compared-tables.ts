import type { WeightedRows } from '@tributary/shared/evaluation/logistic-model'
import { layoutOfColumns } from '@tributary/shared/schema/column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { type Layout, layoutOf } from '@tributary/shared/synthesizers/cells'

/** A hospital's rows and a cohort in the columns that can differ: all but the one that says whose row it is. */
export interface ComparedTables {
  readonly columns: Manifest['columns']
  readonly layout: Layout
  readonly here: WeightedRows
  readonly pool: WeightedRows
  /** Rows of the cohort that name this hospital; null without a site column, or where there are fewer than 200. */
  readonly ownPart: WeightedRows | null
}

const leastOwn = 200

/** `site`: this hospital's name in the study. Cost: both tables once. */
export const comparedTables = (
  { columns }: Pick<Manifest, 'columns'>,
  site: string,
  here: WeightedRows,
  cohort: Uint16Array,
): ComparedTables => {
  const width = columns.length
  const siteAt = columns.findIndex((column) => column.kind === 'categorical' && column.filled_with === 'site')
  const kept = [...columns.keys()].filter((j) => j !== siteAt)
  const reduced = kept.map((j) => columns[j]!)
  const layout = layoutOf(layoutOfColumns(reduced).sizes)
  const without = (cells: Uint16Array, rows: ArrayLike<number>) => {
    const out = new Uint16Array(rows.length * kept.length)
    for (let i = 0; i < rows.length; i++)
      kept.forEach((j, at) => (out[i * kept.length + at] = cells[rows[i]! * width + j]!))
    return out
  }
  if (siteAt < 0) return { columns, layout, here, pool: { cells: cohort }, ownPart: null }
  const all = (cells: Uint16Array) => Uint32Array.from({ length: cells.length / width }, (_, r) => r)
  const siteColumn = columns[siteAt]
  const code = siteColumn?.kind === 'categorical' ? siteColumn.levels.indexOf(site) : -1
  const own = all(cohort).filter((r) => cohort[r * width + siteAt] === code)
  return {
    columns: reduced,
    layout,
    here: { ...here, cells: without(here.cells, all(here.cells)) },
    pool: { cells: without(cohort, all(cohort)) },
    ownPart: own.length < leastOwn ? null : { cells: without(cohort, own) },
  }
}
