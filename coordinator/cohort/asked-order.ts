import { CodedError } from '@tributary/shared/errors'
import { conditionText } from '@tributary/shared/condition/condition-text'
import type { Condition, Leaf } from '@tributary/shared/condition/condition-tree'
import { parseCondition } from '@tributary/shared/condition/parse-condition'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { type Additions, type CohortOrder, additionsOf } from './order.ts'

type Study = Pick<Manifest, 'columns' | 'source'>

/** One column set to one value. */
export interface Setting {
  readonly column: number
  readonly leaf: Leaf
}

/** An order whose texts are read: conditions as trees, columns by number. */
export interface AskedOrder {
  readonly where: Condition | null
  readonly reweight: readonly { readonly condition: Condition; readonly share: number }[]
  /** Columns. */
  readonly balance: readonly number[]
  readonly augment: { readonly condition: Condition; readonly times: number } | null
  /** By column, ascending. */
  readonly set: readonly Setting[]
}

/** Throws `CONDITION_INVALID` and `ARGUMENT_INVALID` with the field that is wrong. */
export const askedOrder = (study: Study, order: CohortOrder): AskedOrder => {
  const parse = (text: string, field: string) => at(field, () => parseCondition(text, study))
  const { where, reweight = [], balance = [], augment, set = [] } = order
  return {
    where: where === undefined ? null : parse(where, 'where'),
    reweight: reweight.map(({ condition, share }, i) => ({
      condition: parse(condition, `reweight.${i}.condition`),
      share,
    })),
    balance: balance.map((name, i) => balancedColumn(study, name, `balance.${i}`, balance.slice(0, i))),
    augment:
      augment === undefined ? null : { condition: parse(augment.condition, 'augment.condition'), times: augment.times },
    set: settingsOf(study, set, parse),
  }
}

/** What is asked beyond a condition, every text in normal form. */
export const writtenAdditions = (study: Study, asked: AskedOrder): Additions =>
  additionsOf({
    reweight:
      asked.reweight.length === 0
        ? undefined
        : asked.reweight.map(({ condition, share }) => ({ condition: conditionText(condition), share })),
    balance: asked.balance.length === 0 ? undefined : asked.balance.map((column) => study.columns[column]!.name),
    augment:
      asked.augment === null
        ? undefined
        : { condition: conditionText(asked.augment.condition), times: asked.augment.times },
    set: asked.set.length === 0 ? undefined : asked.set.map(({ leaf }) => conditionText(leaf)),
  })

/** The error of a text, with the field of the order that the text stands in. */
const at = <T>(field: string, read: () => T): T => {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof CodedError) || error.place.field !== 'where') throw error
    throw new CodedError(error.code, error.message, { place: { ...error.place, field }, cause: error })
  }
}

const balancedColumn = (study: Study, name: string, field: string, before: readonly string[]): number => {
  const refuse = (message: string) => {
    throw new CodedError('CONDITION_INVALID', message, { place: { field, column: name } })
  }
  const column = study.columns.findIndex((one) => one.name === name)
  if (column < 0) refuse(`no column ${name}: \`tributary catalog GENERATOR\` lists them`)
  if (before.includes(name)) refuse(`${name} is named twice`)
  return column
}

const settingsOf = (
  study: Study,
  texts: readonly string[],
  parse: (text: string, field: string) => Condition,
): Setting[] => {
  const settings: Setting[] = []
  for (const [i, text] of texts.entries()) {
    const field = `set.${i}`
    const leaf = parse(text, field)
    const refuse = (message: string, column?: string) =>
      new CodedError('CONDITION_INVALID', message, { place: { field, ...(column !== undefined && { column }) } })
    if (!('column' in leaf) || !('is' in leaf || 'missing' in leaf))
      throw refuse('a column is set to one value: smoking = never, or chol IS MISSING')
    const column = study.columns.findIndex(({ name }) => name === leaf.column)
    if (settings.some((one) => one.column === column)) throw refuse(`${leaf.column} is set twice`, leaf.column)
    settings.push({ column, leaf })
  }
  return settings.sort((a, b) => a.column - b.column)
}
