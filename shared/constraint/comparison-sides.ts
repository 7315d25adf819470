import type { Comparator } from '../condition/condition-grammar.ts'
import { CodedError } from '../errors.ts'
import { levelKey } from '../schema/categorical.ts'
import type { Column } from '../schema/column.ts'
import type { CategoricalSpec } from '../study/column-schema.ts'

/** What two columns are compared by: a number for each level of a side; null for a column of numbers or dates. */
export interface ComparisonSides {
  readonly left: Float64Array | null
  readonly right: Float64Array | null
}

/** Why two columns cannot be compared so, null where they can. */
export const unlike = (left: Column, right: Column, comparator: Comparator): string | null => {
  const sides = sidesOf(left, right, comparator)
  return typeof sides === 'string' ? sides : null
}

/** Throws `CONDITION_INVALID` where they are `unlike`. */
export const comparisonSides = (left: Column, right: Column, comparator: Comparator): ComparisonSides => {
  const sides = sidesOf(left, right, comparator)
  if (typeof sides === 'string')
    throw new CodedError('CONDITION_INVALID', sides, { place: { field: 'constraints', column: left.name } })
  return sides
}

/**
 * Numbers with numbers, dates with dates; levels of numeric_text with numbers too; other levels by text for = and !=, by their
 * order for the others, which must be one. A text says why two columns do not compare. O(levels).
 */
const sidesOf = (left: Column, right: Column, comparator: Comparator): ComparisonSides | string => {
  const [one, two] = [numbersOf(left), numbersOf(right)]
  if (one !== undefined && two !== undefined) {
    if (left.kind === 'numeric' && right.kind === 'numeric' && (left.unit ?? right.unit) !== (right.unit ?? left.unit))
      return `${left.name} is in ${left.unit}, ${right.name} in ${right.unit}`
    return { left: one, right: two }
  }
  if (left.kind === 'date' && right.kind === 'date') return { left: null, right: null }
  if (left.kind !== 'categorical' || right.kind !== 'categorical')
    return `${left.name} is ${kindOf(left)}, ${right.name} ${kindOf(right)}: they do not compare`
  return ranksOf(left, right, comparator !== '=' && comparator !== '!=')
}

/** Undefined for a column without numbers. */
const numbersOf = (column: Column): Float64Array | null | undefined => {
  if (column.kind === 'numeric') return null
  if (column.kind === 'date' || !column.numeric_text) return undefined
  return Float64Array.from(column.levels, (level) => Number(levelKey(column, level)))
}

const ranksOf = (left: CategoricalSpec, right: CategoricalSpec, isOrdering: boolean): ComparisonSides | string => {
  const [long, short] = left.levels.length >= right.levels.length ? [left, right] : [right, left]
  const ranks = new Map(long.levels.map((level, i) => [level, i]))
  if (isOrdering) {
    const unordered = [left, right].find(({ ordered }) => !ordered)
    if (unordered !== undefined) return `the levels of ${unordered.name} have no order: only = and != compare them`
    const order = short.levels.map((level) => ranks.get(level) ?? -1)
    if (order.some((rank, i) => rank <= (order[i - 1] ?? -1)))
      return `${short.name} needs the levels of ${long.name}, in their order, to be compared with it`
  } else if (!short.levels.some((level) => ranks.has(level)))
    return `${left.name} and ${right.name} have no level in common`
  for (const level of short.levels) if (!ranks.has(level)) ranks.set(level, ranks.size)
  const ranked = ({ levels }: CategoricalSpec) => Float64Array.from(levels, (level) => ranks.get(level) ?? Number.NaN)
  return { left: ranked(left), right: ranked(right) }
}

const kindOf = (column: Column): string => {
  if (column.kind === 'categorical') return column.numeric_text ? 'a number' : 'one of its levels'
  return column.kind === 'date' ? 'a date' : 'a number'
}
