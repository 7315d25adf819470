import { compiledCondition, type Cuts } from '@tributary/shared/condition/compiled-condition'
import type { RuledModel } from '@tributary/shared/constraint/ruled-model'
import { conditionText } from '@tributary/shared/condition/condition-text'
import type { Condition } from '@tributary/shared/condition/condition-tree'
import { type ImpossiblePart, impossibleParts, impossibleText } from '@tributary/shared/condition/impossible-parts'
import { CodedError } from '@tributary/shared/errors'
import { type ConditionedModel, conditionModel } from '@tributary/shared/generator/conditioned-model'
import type { Generator } from '@tributary/shared/generator/generator'
import { type Column, columnsOf } from '@tributary/shared/schema/column'
import type { PrintedColumn } from '@tributary/shared/schema/printed-column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { refuseSmall } from './cohort-floor.ts'
import { type NamedCells, supportNoise } from './support-noise.ts'
import type { CellCondition } from '@tributary/shared/synthesizers/cell-condition'
import { constantOf, lookaheadOf } from '@tributary/shared/synthesizers/condition-lookahead'

/** A condition bound to a model: what both a plan and a cohort start from. */
export interface Selection extends NamedCells {
  readonly text: string
  readonly conditioned: ConditionedModel
}

/** Conditions over the cells of columns that are cut wherever one of them cuts a bin. */
export interface CompiledParts {
  readonly printed: readonly PrintedColumn[]
  readonly cells: readonly CellCondition[]
  readonly cuts: Cuts
}

/** `others`: where columns are cut besides. */
export const compiledParts = (
  parts: readonly Condition[],
  columns: readonly Column[],
  others?: Cuts,
): CompiledParts => {
  const { printed, cells, cuts } = compiledCondition({ all: [...parts] }, columns, others)
  return { printed, cuts, cells: 'all' in cells ? cells.all : [cells] }
}

/** What a condition is before it meets a model. */
export interface ReadCondition {
  readonly condition: Condition
  /** Columns that it names, ascending. */
  readonly named: readonly number[]
  /** Parts that no row can meet. */
  readonly impossible: readonly ImpossiblePart[]
  /** Every row meets it: then it is none. */
  readonly isAlways: boolean
}

/** Throws `SUPPORT_TOO_SMALL` naming `field` and the part that no row can meet. */
export const readCondition = (manifest: Manifest, condition: Condition, field: string): ReadCondition => {
  const columns = columnsOf(manifest)
  const { named, constant } = compiledCondition(condition, columns)
  const impossible = impossibleParts(condition, columns, constant)
  const isConstant = constant(condition)
  if (isConstant === false) throw nobody(`no patient can meet the condition: ${impossibleText(impossible)}`, field)
  return { condition, named, impossible, isAlways: isConstant === true }
}

/** The model under a condition over cells of `printed`, cut wherever the model's are. Throws `SUPPORT_TOO_SMALL` naming `field`. */
export const selectionOf = (
  { model, cutsOf }: RuledModel,
  printed: readonly PrintedColumn[],
  cells: CellCondition,
  text: string,
  field: string,
  mostPrefixes?: number,
): Selection => {
  try {
    const conditioned = conditionModel(model, cutsOf(printed), cells, mostPrefixes)
    return { text, printed, named: lookaheadOf(cells).columns, cells, conditioned }
  } catch (error) {
    // Names the field: the sampler knows cells alone.
    if (error instanceof CodedError && error.code === 'SUPPORT_TOO_SMALL') throw nobody(error.message, field, error)
    throw error
  }
}

/** Throws `COHORT_TOO_SMALL` where fewer patients are expected behind a condition than the study's floor. */
export const refuseFew = (manifest: Manifest, model: Generator, selection: Selection, field: string): void => {
  const { support, supportError } = selection.conditioned
  const noise = supportNoise(manifest, model, selection) ?? 0
  refuseSmall(manifest, { text: selection.text, field, support, error: Math.hypot(supportError, noise) })
}

export const nobody = (message: string, field: string, cause?: Error): CodedError =>
  new CodedError('SUPPORT_TOO_SMALL', message, { place: { field }, ...(cause && { cause }) })

/** Of several conditions together; the text of all, and whether single columns rule them out. */
export const isRuledOut = (parts: readonly CellCondition[]): boolean => constantOf({ all: parts }) === false

export const textOf = (parts: readonly Condition[]): string =>
  parts.length === 1 ? conditionText(parts[0]!) : conditionText({ all: [...parts] })
