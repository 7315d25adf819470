import { CodedError } from '@tributary/shared/errors'
import { columnsOf, sizeOfColumn } from '@tributary/shared/schema/column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { type ConditionedModel, conditionModel } from '@tributary/shared/generator/conditioned-model'
import type { Generator } from '@tributary/shared/generator/generator'
import type { CellCondition } from '@tributary/shared/synthesizers/cell-condition'
import { compiledCondition } from '@tributary/shared/condition/compiled-condition'
import type { Condition } from '@tributary/shared/condition/condition-tree'
import { type ImpossiblePart, impossibleParts, impossibleText } from '@tributary/shared/condition/impossible-parts'
import { parseCondition } from '@tributary/shared/condition/parse-condition'
import { type PrintedColumn, printedColumn } from '@tributary/shared/schema/printed-column'

/** A condition bound to a model: what both a plan and a cohort start from. */
export interface Selection {
  readonly condition: Condition
  readonly printed: readonly PrintedColumn[]
  /** Columns that the condition names, ascending. */
  readonly named: readonly number[]
  readonly cells: CellCondition
  /** Parts that no row can meet. */
  readonly impossible: readonly ImpossiblePart[]
  /** Null where every row meets the condition: then it is none. */
  readonly conditioned: ConditionedModel | null
}

/** The last selection of each model: its trial rows take a tenth of a second, and a plan comes before its cohort. */
const latest = new WeakMap<Generator, { manifest: Manifest; where: string; selection: Selection }>()

/** Throws `CONDITION_INVALID`, and `SUPPORT_TOO_SMALL` naming the part that cannot be met where that is why. */
export const selectionOf = (manifest: Manifest, model: Generator, where: string): Selection => {
  const known = latest.get(model)
  if (known?.manifest === manifest && known.where === where) return known.selection
  const columns = columnsOf(manifest)
  const condition = parseCondition(where, manifest)
  const compiled = compiledCondition(condition, columns)
  const { cells, named } = compiled
  const impossible = impossibleParts(condition, columns, compiled.constant)
  const constant = compiled.constant(condition)
  if (constant === false) throw nobody(`no patient can meet the condition: ${impossibleText(impossible)}`)
  const printed = constant ? columns.map((column) => printedColumn(column)) : compiled.printed
  const cut = printed.map((column, j) => (column.parent.length === sizeOfColumn(columns[j]!) ? null : column))
  const conditioned = constant ? null : supported(() => conditionModel(model, cut, cells))
  const selection = { condition, printed, named, cells, impossible, conditioned }
  latest.set(model, { manifest, where, selection })
  return selection
}

/** Names the field: the sampler knows cells alone. */
const supported = <T>(make: () => T): T => {
  try {
    return make()
  } catch (error) {
    if (error instanceof CodedError && error.code === 'SUPPORT_TOO_SMALL') throw nobody(error.message, error)
    throw error
  }
}

const nobody = (message: string, cause?: Error) =>
  new CodedError('SUPPORT_TOO_SMALL', message, { place: { field: 'where' }, ...(cause && { cause }) })
