import { CodedError } from '@tributary/shared/errors'
import { columnsOf, sizeOfColumn } from '@tributary/shared/schema/column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { type ConditionedModel, conditionModel } from '@tributary/shared/synthesizers/autoregressive/conditioned-model'
import type { ReleasedModel } from '@tributary/shared/synthesizers/autoregressive/training-state'
import { compiledCondition } from './compiled-condition.ts'
import type { Condition } from './condition-tree.ts'
import { parseCondition } from './parse-condition.ts'
import type { PrintedColumn } from './printed-column.ts'

/** A condition bound to a model: what both a plan and a cohort start from. */
export interface Selection {
  readonly condition: Condition
  readonly printed: readonly PrintedColumn[]
  /** Columns that the condition names, ascending. */
  readonly named: readonly number[]
  readonly conditioned: ConditionedModel
}

/** The last selection of each model: its trial rows take a tenth of a second, and a plan comes before its cohort. */
const latest = new WeakMap<ReleasedModel, { manifest: Manifest; where: string; selection: Selection }>()

/** Throws `CONDITION_INVALID` and `SUPPORT_TOO_SMALL`. */
export const selectionOf = (manifest: Manifest, model: ReleasedModel, where: string): Selection => {
  const known = latest.get(model)
  if (known?.manifest === manifest && known.where === where) return known.selection
  const columns = columnsOf(manifest)
  const condition = parseCondition(where, manifest)
  const { printed, cells, named } = compiledCondition(condition, columns)
  const cut = printed.map((column, j) => (column.parent.length === sizeOfColumn(columns[j]!) ? null : column))
  const selection = { condition, printed, named, conditioned: supported(() => conditionModel(model, cut, cells)) }
  latest.set(model, { manifest, where, selection })
  return selection
}

/** Names the field: the sampler knows cells alone. */
const supported = <T>(make: () => T): T => {
  try {
    return make()
  } catch (error) {
    if (error instanceof CodedError && error.code === 'SUPPORT_TOO_SMALL')
      throw new CodedError(error.code, error.message, { place: { field: 'where' }, cause: error })
    throw error
  }
}
