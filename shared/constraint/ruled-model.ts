import type { Cuts } from '../condition/compiled-condition.ts'
import type { Generator } from '../generator/generator.ts'
import { columnsOf } from '../schema/column.ts'
import type { PrintedColumn } from '../schema/printed-column.ts'
import type { Manifest } from '../study/study-schema.ts'
import type { ColumnCells } from '../synthesizers/cell-condition.ts'
import { constraintsOf } from './check-constraints.ts'
import { compiledRules } from './compiled-rules.ts'
import { ruledGenerator } from './ruled-generator.ts'
import { ticksIn } from './tick-grid.ts'

/** What of a study says how its rows are printed and what they keep. */
export type RuledStudy = Pick<Manifest, 'columns' | 'source' | 'constraints'>

/** A released model under its study's constraints: what every cohort is drawn from. */
export interface RuledModel {
  /** The model itself where the study has no constraints. */
  readonly model: Generator
  /** The model's levels are cells of these columns. */
  readonly printed: readonly PrintedColumn[]
  /** Where these are cut: a condition has to be compiled with them. */
  readonly cuts: Cuts
  /** Cells of columns that are cut in more places, as parts of these; null where a column is not. */
  cutsOf(finer: readonly PrintedColumn[]): (ColumnCells | null)[]
}

/** The last models under rules of each model: a cohort's plan comes before it, and what a condition does not cut stays. */
const latest = new WeakMap<Generator, { key: string; ruled: RuledModel }[]>()
const mostKept = 8

/**
 * `condition`: where the condition of a cohort cuts columns. Only columns that a constraint compares with others have to know of it.
 * Without constraints nothing is cut. Throws `CONSTRAINT_BROKEN` as `ruledGenerator`.
 */
export const ruledModel = (study: RuledStudy, model: Generator, condition: Cuts = new Map()): RuledModel => {
  const columns = columnsOf(study)
  const constraints = constraintsOf(study)
  const { linked } = compiledRules(constraints, columns)
  const compared = new Map([...condition].filter(([column]) => linked.includes(column)))
  const cutsKey = [...compared].map(([column, cuts]) => `${column}:${[...cuts].sort((a, b) => a - b).join(',')}`)
  const key = JSON.stringify([study.columns, study.constraints ?? [], cutsKey.sort()])
  const known = latest.get(model) ?? []
  const found = known.find((each) => each.key === key)
  if (found !== undefined) return found.ruled
  const compiled = compiledRules(constraints, columns, compared)
  const { printed, cuts } = compiled
  const ruled: RuledModel = {
    model: ruledGenerator(model, compiled),
    printed,
    cuts,
    cutsOf: (finer) => finer.map((column, j) => cellsWithin(column, printed[j]!)),
  }
  latest.set(model, [{ key, ruled }, ...known].slice(0, mostKept))
  return ruled
}

/** Both cut the same column, `finer` wherever `coarse` does. */
const cellsWithin = (finer: PrintedColumn, coarse: PrintedColumn): ColumnCells | null => {
  if (finer.parent.length === coarse.parent.length) return null
  let at = 0
  const parent = finer.parent.map((_, cell) => {
    while (
      at + 1 < coarse.parent.length &&
      coarse.parent[at + 1]! <= finer.parent[cell]! &&
      begins(coarse, at + 1, finer, cell)
    )
      at++
    return at
  })
  return { parent, share: finer.share.map((share, cell) => share / coarse.share[parent[cell]!]!) }
}

/** Whether cell `next` of the coarser column has begun at `cell` of the finer one. */
const begins = (coarse: PrintedColumn, next: number, finer: PrintedColumn, cell: number): boolean =>
  coarse.parent[next]! < finer.parent[cell]! ||
  coarse.ticks === null ||
  coarse.parent[next] === coarse.missingCode ||
  ticksIn(coarse).from[next]! <= ticksIn(finer).from[cell]!
