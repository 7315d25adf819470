import { type Column, columnsOf } from '../schema/column.ts'
import { levelKey } from '../schema/categorical.ts'
import { parseDate } from '../schema/calendar.ts'
import { parseNumber, parseValue, valueText } from '../schema/numeric.ts'
import type { BinnedSpec, Manifest } from '../study/study-schema.ts'
import {
  type Comparator,
  conditionComplaint,
  type Term,
  type WrittenCondition,
  writtenCondition,
} from './condition-grammar.ts'
import type { Bound, Bounds, Condition, Leaf, Tree } from './condition-tree.ts'
import { leafSet, levelCode } from './leaf-set.ts'
import { longestCondition } from './condition-tree.ts'

/**
 * `age >= 60 AND (diabetes = yes OR kidney IN (G3a, "G3b")) AND NOT smoking = current` as a tree, every name, level and
 * number checked against the study. Also `!=`, `<`, `60 <= age < 70`, `BETWEEN x AND y`, `NOT IN`, `IS [NOT] MISSING`; keywords
 * in any case; `"..."` or `'...'` around names and levels that are not a word. Ordered levels compare in the study's order.
 * A comparison with a missing value is false, `!=` and `NOT IN` included; only `NOT` turns it round. Numbers outside a column's
 * range are no mistake: nothing is equal to them.
 * Throws `CONDITION_INVALID` naming the character, counted from 1.
 */
export const parseCondition = (text: string, manifest: Pick<Manifest, 'columns' | 'source'>): Condition => {
  if (text.length > longestCondition)
    throw conditionComplaint(longestCondition + 1, `at most ${longestCondition} characters`)
  return resolvedTree<never>(writtenCondition(text), columnsOf(manifest), missingFails)
}

/** How a text is read, where conditions and other rules differ. */
export interface Reading<T> {
  /** What a comparison means other than one with a value of a column; null: nothing else. */
  readonly compared: (written: Compared) => Tree<T> | null
  /** `x != a`: true of a present value alone, or said by NOT of `x = a`. */
  readonly unequal: 'present' | 'denied'
}

const missingFails: Reading<never> = { compared: () => null, unequal: 'present' }

/** Names, levels and numbers looked up. Throws `CONDITION_INVALID` naming the character. */
export const resolvedTree = <T>(
  written: WrittenCondition,
  columns: readonly Column[],
  reading: Reading<T>,
): Tree<T> => {
  const unless = (isNegated: boolean, column: Column, leaf: Condition): Tree<T> =>
    isNegated && reading.unequal === 'denied' ? { not: leaf } : presentUnless(isNegated, column, leaf)
  const resolved = (part: WrittenCondition): Tree<T> => {
    switch (part.kind) {
      case 'all':
        return { all: part.parts.map(resolved) }
      case 'any':
        return { any: part.parts.map(resolved) }
      case 'not':
        return { not: resolved(part.part) }
      case 'missing': {
        const leaf: Condition = { column: columnNamed(part.column, columns).name, missing: true }
        return part.isNegated ? { not: leaf } : leaf
      }
      case 'in': {
        const column = columnNamed(part.column, columns)
        const leaf = { column: column.name, in: part.values.map((term) => valueOf(column, term)) }
        return unless(part.isNegated, column, checked(column, leaf, part.values))
      }
      case 'between': {
        const column = columnNamed(part.column, columns)
        const { low, high } = part
        return unless(
          part.isNegated,
          column,
          range(column, { comparator: '>=', term: low }, { comparator: '<=', term: high }),
        )
      }
      case 'compare':
        return reading.compared(part) ?? compared(part)
    }
  }
  const compared = ({ left, comparator, right, second }: Compared): Tree<T> => {
    if (second !== undefined) return rangeAround(left, comparator, right, second, columns)
    const isTurned = isValueOnly(left, columns) && !isValueOnly(right, columns)
    const column = columnNamed(isTurned ? right : left, columns)
    const term = isTurned ? left : right
    const sign = isTurned ? flipped[comparator] : comparator
    if (sign === '=' || sign === '!=')
      return unless(sign === '!=', column, checked(column, { column: column.name, is: valueOf(column, term) }, [term]))
    return range(column, { comparator: sign, term })
  }
  return resolved(written)
}

export type Compared = Extract<WrittenCondition, { kind: 'compare' }>
interface End {
  readonly comparator: Comparator
  readonly term: Term
}

export const flipped: Record<Comparator, Comparator> = {
  '=': '=',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
}

/** `60 <= age < 70` */
const rangeAround = (
  left: Term,
  comparator: Comparator,
  right: Term,
  second: NonNullable<Compared['second']>,
  columns: readonly Column[],
): Condition => {
  const column = columnNamed(right, columns)
  const ends: End[] = [
    { comparator: flipped[comparator], term: left },
    { comparator: second.comparator, term: second.right },
  ]
  const low = ends.find((end) => end.comparator[0] === '>')
  const high = ends.find((end) => end.comparator[0] === '<')
  if (low === undefined || high === undefined)
    throw conditionComplaint(left.at, 'two comparisons in a row are for a range, such as 60 <= age < 70')
  return range(column, low, high)
}

/** `60 <= age` reads as `age >= 60`: a number or a date before a name, unless a column is called so. */
const isValueOnly = ({ text, isNumber }: Term, columns: readonly Column[]): boolean =>
  isNumber || (parseDate(text) !== undefined && !columns.some(({ name }) => name === text))

/** Present and not so: a missing value is in neither of `x = a` and `x != a`. */
const presentUnless = (isNegated: boolean, column: Column, condition: Condition): Condition => {
  if (!isNegated) return condition
  if (column.missing !== 'level') return { not: condition }
  return { all: [{ not: condition }, { not: { column: column.name, missing: true } }] }
}

const bounds: Partial<Record<Comparator, keyof Bounds>> = {
  '<': 'below',
  '<=': 'at_most',
  '>': 'above',
  '>=': 'at_least',
}

const range = (column: Column, ...ends: End[]): Condition => {
  const terms = ends.map(({ term }) => term)
  if (column.kind !== 'categorical') {
    const leaf: Leaf = { column: column.name }
    for (const { comparator, term } of ends) Object.assign(leaf, { [bounds[comparator]!]: valueOf(column, term) })
    return checked(column, leaf, terms)
  }
  if (!column.ordered && !column.numeric_text)
    throw conditionComplaint(terms[0]!.at, `the levels of ${column.name} have no order: use = or IN`)
  const held = column.levels.filter((level) => ends.every((end) => isOnSide(column, level, end)))
  if (held.length === 0) return neverMet(column)
  return held.length === 1 ? { column: column.name, is: held[0]! } : { column: column.name, in: held }
}

/** A range that no level is in, as levels can say it: text has no empty list. */
const neverMet = ({ name, levels }: Extract<Column, { kind: 'categorical' }>): Condition => ({
  all: [{ column: name, is: levels[0]! }, { not: { column: name, is: levels[0]! } }],
})

const isOnSide = (
  column: Extract<Column, { kind: 'categorical' }>,
  level: string,
  { comparator, term }: End,
): boolean => {
  const difference = column.numeric_text
    ? Number(levelKey(column, level)) - levelNumber(column, term)
    : column.levels.indexOf(level) - levelCode(column, term.text, 0, complainAt([term]))
  if (difference === 0) return comparator.endsWith('=')
  return difference < 0 === (comparator[0] === '<')
}

const levelNumber = ({ name }: Column, term: Term): number => {
  const value = parseNumber(term.text)
  if (value === undefined) throw conditionComplaint(term.at, `${name} is a number, ${term.text} is not`)
  return value
}

/** The leaf, once its values are known to be the column's. */
const checked = (column: Column, leaf: Leaf, terms: readonly Term[]): Condition => {
  leafSet(column, leaf, complainAt(terms))
  return leaf
}

const complainAt =
  (terms: readonly Term[]) =>
  (message: string, value: number): never => {
    throw conditionComplaint(terms[value]?.at ?? 1, message)
  }

const valueOf = (column: Column, term: Term): Bound =>
  column.kind === 'categorical'
    ? column.levels[levelCode(column, term.text, 0, complainAt([term]))]!
    : numberOf(column, term)

/** A date stays a text, in one form. */
const numberOf = (column: BinnedSpec, term: Term): Bound => {
  const value = parseValue(column, term.text)
  if (value !== undefined) return column.kind === 'date' ? valueText(column, value) : value
  const kind = column.kind === 'date' ? 'a date like 2024-02-29' : 'a number'
  throw conditionComplaint(term.at, `${column.name} is ${kind}, ${term.text} is not`)
}

export const columnNamed = (term: Term, columns: readonly Column[]): Column => {
  const found = columns.find(({ name }) => name === term.text)
  if (found !== undefined) return found
  const near = columns.find(({ name }) => plain(name) === plain(term.text))
  const hint =
    near === undefined
      ? `the study has ${columns
          .map(({ name }) => name)
          .slice(0, 30)
          .join(', ')}`
      : `did you mean ${near.name}?`
  throw conditionComplaint(term.at, `no column ${term.text}: ${hint}`)
}

/** Names that differ in case, blanks and signs alone. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')
