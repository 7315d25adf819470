import type { PrintedColumn } from '../schema/printed-column.ts'
import type { CellRule } from './compiled-rules.ts'
import { leafRules, linksOf } from './rule-parts.ts'
import { ticksIn } from './tick-grid.ts'

/** Cells of a column that every rule treats alike. */
export interface ColumnClasses {
  /** By cell. */
  readonly of: Uint16Array
  /** By class: its first cell. */
  readonly first: Uint16Array
}

/** A cell of numbers that are compared with another column is a class of its own. O(rules x cells). */
export const columnClasses = (printed: PrintedColumn, column: number, rules: readonly CellRule[]): ColumnClasses => {
  const { parent, missingCode } = printed
  const leaves = rules.flatMap(leafRules).filter((leaf) => leaf.column === column)
  const sides = rules
    .flatMap(linksOf)
    .flatMap(({ left, right }) => [left, right])
    .filter((side) => side.column === column)
  const isLinked = sides.length > 0
  const known = new Map<string, number>()
  const first: number[] = []
  const of = Uint16Array.from(parent, (code, cell) => {
    const isMissing = code === missingCode
    const values = sides.map(({ values: of }) => (of === null ? ticksIn(printed).from[cell] : of[cell]))
    const key = `${leaves.map(({ allowed }) => allowed[cell]).join('')} ${isLinked && isMissing ? 'missing' : values.join(' ')}`
    const found = known.get(key)
    if (found !== undefined) return found
    known.set(key, first.length)
    first.push(cell)
    return first.length - 1
  })
  return { of, first: Uint16Array.from(first) }
}
