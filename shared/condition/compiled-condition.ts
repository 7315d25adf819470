import { CodedError } from '../errors.ts'
import type { Column } from '../schema/column.ts'
import type { CellCondition } from '../synthesizers/cell-condition.ts'
import { constantOf } from '../synthesizers/condition-lookahead.ts'
import type { Condition, Leaf } from './condition-tree.ts'
import { type LeafSet, leafSet } from './leaf-set.ts'
import { type PrintedColumn, printedColumn } from '../schema/printed-column.ts'

/** By column, ticks at which a cell begins. */
export type Cuts = ReadonlyMap<number, ReadonlySet<number>>

/** A condition over the cells of columns that are cut wherever it cuts a bin. */
export interface CompiledCondition {
  readonly printed: readonly PrintedColumn[]
  /** Where these are cut. */
  readonly cuts: Cuts
  readonly cells: CellCondition
  /** Columns that it names, ascending. */
  readonly named: readonly number[]
  /** What a part of it is whatever the row, null where that depends on the row. */
  constant(part: Condition): boolean | null
}

/**
 * Cuts bins so that each cell meets or fails every comparison as a whole, whatever value it prints; `not` moves into the
 * leaves. `others`: where bins are cut besides. Throws `CONDITION_INVALID` for a column or level that the study does not have. Cost: leaves x cells.
 */
export const compiledCondition = (
  condition: Condition,
  columns: readonly Column[],
  others: Cuts = new Map(),
): CompiledCondition => {
  const { sets, cuts } = leafSetsOf(leavesOf(condition), columns, others)
  const printed = printedWith(columns, cuts)
  const compiled = (part: Condition, isDenied: boolean): CellCondition => {
    if ('not' in part) return compiled(part.not, !isDenied)
    if ('all' in part || 'any' in part) {
      const parts = ('all' in part ? part.all : part.any).map((inner) => compiled(inner, isDenied))
      // De Morgan: a denied conjunction is a disjunction of denials.
      return 'all' in part !== isDenied ? { all: parts } : { any: parts }
    }
    const { column, set } = sets.get(part)! // safe because every leaf of this tree was put there above
    return { column, allowed: allowedCells(printed[column]!, set, isDenied) }
  }
  return {
    printed,
    cuts,
    cells: compiled(condition, false),
    named: [...new Set([...sets.values()].map(({ column }) => column))].sort((a, b) => a - b),
    constant: (part) => constantOf(compiled(part, false)),
  }
}

/** What each leaf lets through, and where bins are cut for that, `others` included. Throws `CONDITION_INVALID`. */
export const leafSetsOf = (leaves: readonly Leaf[], columns: readonly Column[], others: Cuts) => {
  const sets = new Map<Leaf, { column: number; set: LeafSet }>()
  const cuts = new Map([...others].map(([column, known]) => [column, new Set(known)]))
  for (const leaf of leaves) {
    const column = columns.findIndex(({ name }) => name === leaf.column)
    if (column < 0) throw refused(leaf.column, 'the study has no such column')
    const set = leafSet(columns[column]!, leaf, (message) => {
      throw refused(leaf.column, message)
    })
    sets.set(leaf, { column, set })
    const known = cuts.get(column) ?? new Set()
    if ('runs' in set) for (const { from, to } of set.runs) known.add(from).add(to + 1)
    cuts.set(column, known)
  }
  return { sets, cuts }
}

export const printedWith = (columns: readonly Column[], cuts: Cuts): PrintedColumn[] =>
  columns.map((column, j) =>
    printedColumn(
      column,
      [...(cuts.get(j) ?? [])].sort((a, b) => a - b),
    ),
  )

export const allowedCells = (
  { parent, ticks, missingCode }: PrintedColumn,
  set: LeafSet,
  isDenied: boolean,
): Uint8Array =>
  Uint8Array.from(parent, (code, cell) => {
    const isIn =
      'codes' in set
        ? set.codes.has(code)
        : code !== missingCode &&
          ticks !== null &&
          set.runs.some(({ from, to }) => ticks.from[cell]! >= from && ticks.to[cell]! <= to)
    return isIn === isDenied ? 0 : 1
  })

export const leavesOf = (condition: Condition): Leaf[] => {
  if ('all' in condition) return condition.all.flatMap(leavesOf)
  if ('any' in condition) return condition.any.flatMap(leavesOf)
  return 'not' in condition ? leavesOf(condition.not) : [condition]
}

const refused = (column: string, message: string) =>
  new CodedError('CONDITION_INVALID', message, { place: { field: 'where', column } })
