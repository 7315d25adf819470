import { allowedCells, type Cuts, leafSetsOf, printedWith } from '../condition/compiled-condition.ts'
import type { Comparator } from '../condition/condition-grammar.ts'
import type { Leaf } from '../condition/condition-tree.ts'
import type { Column } from '../schema/column.ts'
import type { PrintedColumn } from '../schema/printed-column.ts'
import type { CellCondition } from '../synthesizers/cell-condition.ts'
import { denied } from './comparison.ts'
import { comparisonSides } from './comparison-sides.ts'
import type { ColumnComparison, Constraint, Rule } from './constraint.ts'

/** One column of a comparison: `values` by cell, null where a value is the row's tick over the column's scale. */
export interface Side {
  readonly column: number
  readonly values: Float64Array | null
}

/** Two columns compared; it holds where either is missing. */
export interface Link {
  readonly left: Side
  readonly comparator: Comparator
  readonly right: Side
  /** Neither column can be missing. */
  readonly isPresent: boolean
}

/** A rule over cells, what is unknown counted as kept; `not` is in the leaves. */
export type CellRule =
  | Extract<CellCondition, { column: number }>
  | Link
  | { readonly all: readonly CellRule[] }
  | { readonly any: readonly CellRule[] }

/** Constraints over the cells of columns that are cut wherever one of them, or `others`, cuts a bin. */
export interface CompiledRules {
  readonly printed: readonly PrintedColumn[]
  /** By constraint. */
  readonly rules: readonly CellRule[]
  /** Columns that they name, ascending. */
  readonly named: readonly number[]
  /** Columns of numbers or dates that are compared with another column, ascending: their values are drawn with the row. */
  readonly linked: readonly number[]
}

/** `others`: where a cohort's condition cuts. Cost: leaves x cells. */
export const compiledRules = (
  constraints: readonly Constraint[],
  columns: readonly Column[],
  others: Cuts = new Map(),
): CompiledRules & { readonly cuts: Cuts } => {
  const leaves = constraints.flatMap(({ rule }) => leavesOf(rule))
  const { cuts } = leafSetsOf(leaves, columns, others)
  return { ...rulesOver(constraints, printedWith(columns, cuts)), cuts }
}

/** Over columns that are cut wherever a constraint cuts them, and maybe elsewhere. */
export const rulesOver = (constraints: readonly Constraint[], printed: readonly PrintedColumn[]): CompiledRules => {
  const { sets } = leafSetsOf(
    constraints.flatMap(({ rule }) => leavesOf(rule)),
    printed.map(({ column }) => column),
    new Map(),
  )
  const links: Link[] = []
  const named = new Set<number>()
  const compiled = (rule: Rule, isDenied: boolean): CellRule => {
    if ('not' in rule) return compiled(rule.not, !isDenied)
    if ('all' in rule || 'any' in rule) {
      const parts = ('all' in rule ? rule.all : rule.any).map((part) => compiled(part, isDenied))
      return 'all' in rule !== isDenied ? { all: parts } : { any: parts }
    }
    if ('other' in rule) {
      const link = linkOf(rule, isDenied, printed)
      links.push(link)
      named.add(link.left.column).add(link.right.column)
      return link
    }
    const { column, set } = sets.get(rule)! // safe because every leaf of these trees was put there above
    named.add(column)
    const allowed = allowedCells(printed[column]!, set, isDenied)
    const { parent, missingCode } = printed[column]!
    // Unknown is kept, denied or not; IS MISSING is never unknown.
    if (!('missing' in rule)) parent.forEach((code, cell) => code === missingCode && (allowed[cell] = 1))
    return { column, allowed }
  }
  const rules = constraints.map(({ rule }) => compiled(rule, false))
  const sides = links.flatMap(({ left, right }) => [left, right])
  const linked = new Set(sides.filter(({ values }) => values === null).map(({ column }) => column))
  return { printed, rules, named: ascending(named), linked: ascending(linked) }
}

const linkOf = (
  { column, comparator, other }: ColumnComparison,
  isDenied: boolean,
  printed: readonly PrintedColumn[],
): Link => {
  const placeOf = (name: string) => printed.findIndex((at) => at.column.name === name)
  const [left, right] = [placeOf(column), placeOf(other)]
  const [one, two] = [printed[left]!, printed[right]!]
  const sides = comparisonSides(one.column, two.column, comparator)
  return {
    left: { column: left, values: sides.left },
    comparator: isDenied ? denied[comparator] : comparator,
    right: { column: right, values: sides.right },
    isPresent: one.missingCode < 0 && two.missingCode < 0,
  }
}

const leavesOf = (rule: Rule): Leaf[] => {
  if ('all' in rule) return rule.all.flatMap(leavesOf)
  if ('any' in rule) return rule.any.flatMap(leavesOf)
  if ('not' in rule) return leavesOf(rule.not)
  return 'other' in rule ? [] : [rule]
}

const ascending = (columns: Iterable<number>): number[] => [...columns].sort((a, b) => a - b)
