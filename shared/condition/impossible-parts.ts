import { CodedError } from '../errors.ts'
import type { Column } from '../schema/column.ts'
import { conditionText } from './condition-text.ts'
import type { Condition } from './condition-tree.ts'
import { isEmpty, leafSet, spanText } from './leaf-set.ts'

/** A part of a condition that no row can meet. */
export interface ImpossiblePart {
  readonly text: string
  /** What its column prints, where that is why. */
  readonly reason: string | null
}

const longestText = 200

/**
 * The smallest parts that no row can meet: they count as false. `constant` tells what a part is whatever the row. A
 * column that is never missing is no mistake, so that `IS MISSING` is no such part inside a NOT.
 */
export const impossibleParts = (
  condition: Condition,
  columns: readonly Column[],
  constant: (part: Condition) => boolean | null,
): ImpossiblePart[] => {
  const found = (part: Condition): Condition[] => {
    if ('all' in part || 'any' in part) {
      const inner = ('all' in part ? part.all : part.any).flatMap(found)
      return inner.length === 0 && constant(part) === false ? [part] : inner
    }
    if ('not' in part) {
      if (constant(part) === false) return [part]
      return 'missing' in part.not ? [] : found(part.not)
    }
    if ('in' in part) {
      const { column } = part
      const never = part.in.map((is): Condition => ({ column, is })).filter((one) => isNever(one, columns))
      return never.length === part.in.length ? [part] : never
    }
    return constant(part) === false ? [part] : []
  }
  const texts = new Map<string, ImpossiblePart>()
  for (const part of found(condition)) {
    const text = shortened(conditionText(part))
    texts.set(text, { text, reason: reasonOf(part, columns) })
  }
  return [...texts.values()]
}

const isNever = (part: Condition, columns: readonly Column[]): boolean => {
  const column = columnOf(part, columns)
  if (column === undefined || !('column' in part)) return false
  const set = leafSet(column, part, (message) => {
    throw new CodedError('CONDITION_INVALID', message, { place: { field: 'where', column: column.name } })
  })
  return isEmpty(set)
}

const reasonOf = (part: Condition, columns: readonly Column[]): string | null => {
  const inner = 'not' in part ? part.not : part
  const column = columnOf(inner, columns)
  return column === undefined || column.kind === 'categorical' || 'missing' in inner ? null : spanText(column)
}

const columnOf = (part: Condition, columns: readonly Column[]): Column | undefined =>
  'column' in part ? columns.find(({ name }) => name === part.column) : undefined

const shortened = (text: string): string => (text.length <= longestText ? text : `${text.slice(0, longestText - 1)}…`)

const mostNamed = 5

/** `age > 95 (age goes from 18 to 95, in whole numbers), sex = f AND sex = m` */
export const impossibleText = (parts: readonly ImpossiblePart[]): string => {
  const named = parts.slice(0, mostNamed).map(({ text, reason }) => (reason === null ? text : `${text} (${reason})`))
  const others = parts.length - named.length
  return others > 0 ? `${named.join(', ')} and ${others} more` : named.join(', ')
}
