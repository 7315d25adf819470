import type { Condition } from '@tributary/shared/condition/condition-tree'
import { ruledModel } from '@tributary/shared/constraint/ruled-model'
import { CodedError } from '@tributary/shared/errors'
import type { Generator } from '@tributary/shared/generator/generator'
import { composedCells } from '@tributary/shared/generator/generator-levels'
import { intervened } from '@tributary/shared/generator/intervention'
import { columnsOf } from '@tributary/shared/schema/column'
import type { PrintedColumn } from '@tributary/shared/schema/printed-column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import type { CellCondition } from '@tributary/shared/synthesizers/cell-condition'
import type { Setting } from './asked-order.ts'
import { compiledParts, nobody, readCondition, type Selection, selectionOf, textOf } from './selection.ts'

/** Columns set, and the columns after the first of them made again. */
export interface WhatIf {
  /** Of the rows once they are set. */
  readonly printed: readonly PrintedColumn[]
  /** Columns before the first that is set, and those after it that are not set. */
  readonly kept: readonly number[]
  readonly madeAgain: readonly number[]
  /** Those of whom the order speaks that are as it sets them anyway: what the model learned the rest from. */
  readonly alike: Selection
  /** Rows over the cells of the order's conditions, set; see `intervened`. */
  apply(rows: Uint16Array, first: number, seed: number): Uint16Array
}

/** The rows that are to be set. */
interface Drawn {
  readonly printed: readonly PrintedColumn[]
  /** All conditions of the order, and the one that every row meets; null: none. */
  readonly parts: readonly Condition[]
  readonly meant: Condition | null
  /** Columns that the order's conditions name. */
  readonly named: readonly number[]
}

/**
 * Throws `CONDITION_INVALID` where a condition of the order names a column that is set or made again, `SUPPORT_TOO_SMALL` where
 * hardly a synthetic patient is as the order sets them. The rows come from the model under the study's constraints as the order's
 * conditions cut it, their new ends from the model as the settings cut it besides: so that the rows are those of the order without
 * the settings.
 */
export const whatIfOf = (
  manifest: Manifest,
  released: Generator,
  set: readonly Setting[],
  { printed, parts, meant, named }: Drawn,
): WhatIf => {
  const columns = columnsOf(manifest)
  const start = set[0]!.column
  refuseLater(manifest, set, named)
  const leaves = set.map(({ leaf }) => leaf)
  for (const leaf of leaves) readCondition(manifest, leaf, 'set')
  const ruled = ruledModel(manifest, released, compiledParts([...parts, ...leaves], columns).cuts)
  const together = meant === null ? leaves : [meant, ...leaves]
  const compiled = compiledParts(together, columns, ruled.cuts)
  const alike = selectionOf(ruled, compiled.printed, { all: compiled.cells }, textOf(together), 'set')
  const forced = new Map(
    set.map(({ column }, i) => [column, cellOf(compiled.cells[together.length - set.length + i]!)]),
  )
  const after = columns.map((_, j) =>
    j < start ? printed[j]! : forced.has(j) ? compiled.printed[j]! : ruled.printed[j]!,
  )
  const within = ruled.cutsOf(after).map((cut, j) => composedCells(ruled.model.levels[j]!, cut))
  const apply = intervened(
    ruled.model,
    within.map((cells, j) => (j < start ? cells : null)),
    {
      cells: columns.map((_, j) => forced.get(j) ?? null),
      codes: columns.map((_, j) => {
        const cell = forced.get(j)
        return cell === undefined ? null : (within[j]?.parent[cell] ?? cell)
      }),
    },
  )
  const all = columns.map((_, j) => j)
  const madeAgain = all.filter((j) => j > start && !forced.has(j))
  return {
    printed: after,
    kept: all.slice(0, start),
    madeAgain,
    alike,
    apply: (rows, first, seed) => namingSet(leaves, () => apply(rows, first, seed)),
  }
}

/** The sampler knows codes alone. */
const namingSet = <T>(leaves: readonly Condition[], make: () => T): T => {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'CONSTRAINT_BROKEN') throw error
    const message = `the study's constraints keep some of these rows from ${textOf(leaves)}: ask with a condition for rows that may have it`
    throw new CodedError('CONSTRAINT_BROKEN', message, { place: { field: 'set' }, cause: error })
  }
}

/** The one cell that a setting lets through. */
const cellOf = (cells: CellCondition): number => {
  const cell = 'column' in cells ? cells.allowed.indexOf(1) : -1
  if (cell < 0) throw nobody('no patient can have this value', 'set')
  return cell
}

/** A row's condition must hold of what is printed: of columns that are neither set nor made again. */
const refuseLater = ({ columns }: Manifest, set: readonly Setting[], named: readonly number[]): void => {
  const start = set[0]!.column
  const later = named.find((column) => column >= start)
  if (later === undefined) return
  const name = columns[later]!.name
  const why = set.some(({ column }) => column === later)
    ? `${name} is set, and a condition names it`
    : `a condition names ${name}, which comes after ${columns[start]!.name} and is made again`
  throw new CodedError('CONDITION_INVALID', `${why}: only columns before the first one set can be chosen by`, {
    place: { field: 'set', column: name },
  })
}
