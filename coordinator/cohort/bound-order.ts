import { ruledModel } from '@tributary/shared/constraint/ruled-model'
import type { Generator } from '@tributary/shared/generator/generator'
import { columnsOf } from '@tributary/shared/schema/column'
import type { PrintedColumn } from '@tributary/shared/schema/printed-column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import type { CellCondition } from '@tributary/shared/synthesizers/cell-condition'
import { askedOrder, writtenAdditions } from './asked-order.ts'
import { boundStrata, type Strata } from './bound-strata.ts'
import { type Additions, additionsOf, type CohortOrder } from './order.ts'
import {
  compiledParts,
  type ReadCondition,
  readCondition,
  refuseFew,
  type Selection,
  selectionOf,
  textOf,
} from './selection.ts'
import { type Respect, respectsOf } from './strata.ts'
import { type WhatIf, whatIfOf } from './what-if.ts'

/** An order bound to a model, but for its rows and seed: what both a plan and a cohort start from. */
export interface BoundOrder {
  /** The released model under the study's constraints. */
  readonly model: Generator
  /** In normal form. */
  readonly additions: Additions
  readonly where: ReadCondition | null
  /** Null without a condition, and where every row meets it: then it is none. */
  readonly selection: Selection | null
  /** Null where all rows are drawn together. */
  readonly strata: Strata | null
  readonly whatIf: WhatIf | null
  /** Of the rows as they are drawn, before any column is set. */
  readonly printed: readonly PrintedColumn[]
}

/** The last order of each model: its trial rows take a tenth of a second, and a plan comes before its cohort. */
const latest = new WeakMap<Generator, { manifest: Manifest; key: string; bound: BoundOrder }>()

/**
 * Throws `CONDITION_INVALID`; `SUPPORT_TOO_SMALL`, naming the part that cannot be met where that is why; `SHARES_IMPOSSIBLE`;
 * `COHORT_TOO_SMALL` for a condition or stratum below the study's floor. Cost: a pilot for each stratum.
 */
export const boundOrder = (manifest: Manifest, model: Generator, order: CohortOrder): BoundOrder => {
  const key = JSON.stringify([order.where ?? null, additionsOf(order)])
  const known = latest.get(model)
  if (known?.manifest === manifest && known.key === key) return known.bound
  const bound = bind(manifest, model, order)
  latest.set(model, { manifest, key, bound })
  return bound
}

const bind = (manifest: Manifest, released: Generator, order: CohortOrder): BoundOrder => {
  const columns = columnsOf(manifest)
  const asked = askedOrder(manifest, order)
  const where = asked.where === null ? null : readCondition(manifest, asked.where, 'where')
  const meant = where === null || where.isAlways ? null : where.condition
  const respects = respectsOf(asked, columns)
  const parts = [...(meant === null ? [] : [meant]), ...respects.flatMap(({ ways }) => ways)]
  const ruled = ruledModel(manifest, released, compiledParts(parts, columns).cuts)
  const { printed, cells } = compiledParts(parts, columns, ruled.cuts)
  const whereCells = meant === null ? null : cells[0]!
  const selection = meant === null ? null : selectionOf(ruled, printed, cells[0]!, textOf([meant]), 'where')
  if (selection !== null) refuseFew(manifest, ruled.model, selection, 'where')
  const wayCells = cellsByRespect(cells, respects, meant === null ? 0 : 1)
  const strata =
    respects.length === 0
      ? null
      : boundStrata({ manifest, ruled, asked, respects, wayCells, printed, where: whereCells })
  const named = [...(selection?.named ?? []), ...(strata?.strata.flatMap((stratum) => stratum.named) ?? [])]
  const whatIf =
    asked.set.length === 0 ? null : whatIfOf(manifest, released, asked.set, { printed, parts, meant, named })
  if (whatIf !== null) refuseFew(manifest, ruled.model, whatIf.alike, 'set')
  const additions = writtenAdditions(manifest, asked)
  return { model: ruled.model, additions, where, selection, strata, whatIf, printed }
}

const cellsByRespect = (
  cells: readonly CellCondition[],
  respects: readonly Respect[],
  first: number,
): (readonly CellCondition[])[] => {
  let next = first
  return respects.map(({ ways }) => cells.slice(next, (next += ways.length)))
}
