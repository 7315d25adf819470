import { CodedError } from '../errors.ts'
import type { Column } from '../schema/column.ts'
import type { CellCondition } from '../synthesizers/cell-condition.ts'
import { constantOf } from '../synthesizers/condition-lookahead.ts'
import type { Condition, Leaf } from './condition-tree.ts'
import { type LeafSet, leafSet } from './leaf-set.ts'
import { type PrintedColumn, printedColumn } from '../schema/printed-column.ts'

/** A condition over the cells of columns that are cut wherever it cuts a bin. */
export interface CompiledCondition {
  readonly printed: readonly PrintedColumn[]
  readonly cells: CellCondition
  /** Columns that it names, ascending. */
  readonly named: readonly number[]
  /** What a part of it is whatever the row, null where that depends on the row. */
  constant(part: Condition): boolean | null
}

/**
 * Cuts bins so that each cell meets or fails every comparison as a whole, whatever value it prints; `not` moves into the
 * leaves. Throws `CONDITION_INVALID` for a column or level that the study does not have. Cost: leaves x cells.
 */
export const compiledCondition = (condition: Condition, columns: readonly Column[]): CompiledCondition => {
  const sets = new Map<Leaf, { column: number; set: LeafSet }>()
  const cuts = new Map<number, Set<number>>()
  for (const leaf of leavesOf(condition)) {
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
  const printed = columns.map((column, j) =>
    printedColumn(
      column,
      [...(cuts.get(j) ?? [])].sort((a, b) => a - b),
    ),
  )
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
    cells: compiled(condition, false),
    named: [...cuts.keys()].sort((a, b) => a - b),
    constant: (part) => constantOf(compiled(part, false)),
  }
}

const allowedCells = ({ parent, ticks, missingCode }: PrintedColumn, set: LeafSet, isDenied: boolean): Uint8Array =>
  Uint8Array.from(parent, (code, cell) => {
    const isIn =
      'codes' in set
        ? set.codes.has(code)
        : code !== missingCode &&
          ticks !== null &&
          set.runs.some(({ from, to }) => ticks.from[cell]! >= from && ticks.to[cell]! <= to)
    return isIn === isDenied ? 0 : 1
  })

const leavesOf = (condition: Condition): Leaf[] => {
  if ('all' in condition) return condition.all.flatMap(leavesOf)
  if ('any' in condition) return condition.any.flatMap(leavesOf)
  return 'not' in condition ? leavesOf(condition.not) : [condition]
}

const refused = (column: string, message: string) =>
  new CodedError('CONDITION_INVALID', message, { place: { field: 'where', column } })
