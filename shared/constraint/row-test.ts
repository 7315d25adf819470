import { leafSet } from '../condition/leaf-set.ts'
import { type Column, sizeOfColumn } from '../schema/column.ts'
import { parseDate } from '../schema/calendar.ts'
import { parseValue } from '../schema/numeric.ts'
import { CodedError } from '../errors.ts'
import type { BinnedSpec } from '../study/column-schema.ts'
import type { Bound, Leaf } from '../condition/condition-tree.ts'
import { comparisonSides } from './comparison-sides.ts'
import type { ColumnComparison, Constraint, Rule } from './constraint.ts'
import { compares } from './comparison.ts'

/** Of a rule and a row (Kleene 1938). */
const isFalse = 0
const isUnknown = 1
const isTrue = 2

/** One number a column: a level's code, a number, a date's days since 1970-01-01, NaN for missing. */
export type RowNumbers = Float64Array

/** Index of the first constraint that the row breaks, from `from` on; -1 where it keeps all. */
export type RowTest = (row: RowNumbers, from?: number) => number

/**
 * The constraints themselves, value by value: no cells, no bins, nothing that draws rows. What is released goes through here,
 * and a hospital counts its own rows with it. Cost: leaves of the constraints a row.
 */
export const rowTest = (constraints: readonly Constraint[], columns: readonly Column[]): RowTest => {
  const tests = constraints.map(({ rule }) => ruleTest(rule, columns))
  return (row, from = 0) => {
    for (let i = from; i < tests.length; i++) if (tests[i]!(row) === isFalse) return i
    return -1
  }
}

/** A printed or encoded value as `RowNumbers` has it. `codes`: of the column's levels by text. */
export const numberReader = (column: Column): ((value: string | number | null) => number) => {
  if (column.kind !== 'categorical')
    return (value) =>
      value === null ? Number.NaN : typeof value === 'number' ? value : (parseDate(value) ?? Number.NaN)
  const codes = new Map(column.levels.map((level, code) => [level, code]))
  return (value) => (value === null ? Number.NaN : (codes.get(String(value)) ?? Number.NaN))
}

type Test = (row: RowNumbers) => number

const ruleTest = (rule: Rule, columns: readonly Column[]): Test => {
  if ('not' in rule) {
    const inner = ruleTest(rule.not, columns)
    return (row) => isTrue - inner(row)
  }
  if ('all' in rule || 'any' in rule) {
    const parts = ('all' in rule ? rule.all : rule.any).map((part) => ruleTest(part, columns))
    const decided = 'all' in rule ? isFalse : isTrue
    return (row) => {
      let seen: number = isTrue - decided
      for (const part of parts) {
        const value = part(row)
        if (value === decided) return decided
        if (value === isUnknown) seen = isUnknown
      }
      return seen
    }
  }
  return 'other' in rule ? comparisonTest(rule, columns) : leafTest(rule, columns)
}

const comparisonTest = ({ column, comparator, other }: ColumnComparison, columns: readonly Column[]): Test => {
  const [left, right] = [columnAt(column, columns), columnAt(other, columns)]
  const sides = comparisonSides(columns[left]!, columns[right]!, comparator)
  return (row) => {
    const [one, two] = [row[left]!, row[right]!]
    if (one !== one || two !== two) return isUnknown
    const isSo = compares(comparator, sides.left?.[one] ?? one, sides.right?.[two] ?? two)
    return isSo ? isTrue : isFalse
  }
}

const leafTest = (leaf: Leaf, columns: readonly Column[]): Test => {
  const at = columnAt(leaf.column, columns)
  const column = columns[at]!
  if ('missing' in leaf) return (row) => (row[at]! !== row[at]! ? isTrue : isFalse)
  const isHeld = column.kind === 'categorical' ? heldLevels(column, leaf) : heldNumbers(column, leaf)
  return (row) => {
    const value = row[at]!
    return value !== value ? isUnknown : isHeld(value) ? isTrue : isFalse
  }
}

const heldLevels = (column: Column, leaf: Leaf): ((code: number) => boolean) => {
  const set = leafSet(column, leaf, refuse)
  const codes = 'codes' in set ? set.codes : new Set<number>()
  const held = Uint8Array.from({ length: sizeOfColumn(column) }, (_, code) => (codes.has(code) ? 1 : 0))
  return (code) => held[code] === 1
}

/** On the number itself: a hospital's rows may lie between the values that are printed. */
const heldNumbers = (column: BinnedSpec, leaf: Exclude<Leaf, { missing: true }>): ((value: number) => boolean) => {
  const numberOf = (bound: Bound) =>
    typeof bound === 'number' ? bound : (parseValue(column, bound) ?? refuse(`${column.name} has no value ${bound}`))
  if ('is' in leaf || 'in' in leaf) {
    const values = new Set(('is' in leaf ? [leaf.is] : leaf.in).map(numberOf))
    return (value) => values.has(value)
  }
  const low = numberOf(leaf.at_least ?? Number.NEGATIVE_INFINITY)
  const above = numberOf(leaf.above ?? Number.NEGATIVE_INFINITY)
  const high = numberOf(leaf.at_most ?? Number.POSITIVE_INFINITY)
  const below = numberOf(leaf.below ?? Number.POSITIVE_INFINITY)
  return (value) => value >= low && value > above && value <= high && value < below
}

const columnAt = (name: string, columns: readonly Column[]): number => {
  const at = columns.findIndex((column) => column.name === name)
  return at >= 0 ? at : refuse(`no column ${name}`)
}

const refuse = (message: string): never => {
  throw new CodedError('CONDITION_INVALID', message, { place: { field: 'constraints' } })
}
