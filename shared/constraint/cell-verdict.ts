import type { PrintedColumn } from '../schema/printed-column.ts'
import { fails, holds, open } from '../synthesizers/condition-lookahead.ts'
import { compares } from './comparison.ts'
import type { CellRule, Link } from './compiled-rules.ts'
import { isMissing, linkShare } from './link-share.ts'
import { ticksIn } from './tick-grid.ts'

/** A row's cells, and the value of each column of numbers or dates that is compared with another: whole ticks, by column. */
export interface RuledRow {
  readonly cells: Uint16Array
  readonly ticks: Float64Array
}

/**
 * Of a rule and a row of cells of which the columns below `known` count (Kleene 1938). A comparison that holds of some values of
 * its cells and not of others is open.
 */
export const verdictOf = (
  rule: CellRule,
  cells: Uint16Array,
  known: number,
  printed: readonly PrintedColumn[],
): number => {
  if ('allowed' in rule) return rule.column >= known ? open : rule.allowed[cells[rule.column]!] === 1 ? holds : fails
  if ('left' in rule) {
    if (rule.left.column >= known || rule.right.column >= known) return open
    const share = linkShare(rule, cells, printed)
    return share === 0 ? fails : share === 1 ? holds : open
  }
  const [parts, decided] = 'all' in rule ? [rule.all, fails] : [rule.any, holds]
  let seen: number = decided === fails ? holds : fails
  for (const part of parts) {
    const value = verdictOf(part, cells, known, printed)
    if (value === decided) return decided
    if (value === open) seen = open
  }
  return seen
}

/** Share of a whole row's values that keep a rule, as if its comparisons were of columns of their own: of two columns it is exact. */
export const keptShare = (rule: CellRule, cells: Uint16Array, printed: readonly PrintedColumn[]): number => {
  if ('allowed' in rule) return rule.allowed[cells[rule.column]!]!
  if ('left' in rule) return linkShare(rule, cells, printed)
  if ('all' in rule) return rule.all.reduce((share, part) => share * keptShare(part, cells, printed), 1)
  return 1 - rule.any.reduce((share, part) => share * (1 - keptShare(part, cells, printed)), 1)
}

/** Whether a row with values keeps a rule. */
export const isKept = (rule: CellRule, row: RuledRow, printed: readonly PrintedColumn[]): boolean => {
  if ('allowed' in rule) return rule.allowed[row.cells[rule.column]!] === 1
  if ('left' in rule) return isLinkKept(rule, row, printed)
  return 'all' in rule
    ? rule.all.every((part) => isKept(part, row, printed))
    : rule.any.some((part) => isKept(part, row, printed))
}

const isLinkKept = (
  { left, comparator, right }: Link,
  { cells, ticks }: RuledRow,
  printed: readonly PrintedColumn[],
) => {
  if (isMissing(left, cells, printed) || isMissing(right, cells, printed)) return true
  const valueOf = ({ column, values }: Link['left']) =>
    values === null ? ticks[column]! / ticksIn(printed[column]!).scale : values[cells[column]!]!
  return compares(comparator, valueOf(left), valueOf(right))
}

/** Columns that a rule names; a column may come twice. */
export const namedColumns = (rule: CellRule): number[] => {
  if ('allowed' in rule) return [rule.column]
  if ('left' in rule) return [rule.left.column, rule.right.column]
  return ('all' in rule ? rule.all : rule.any).flatMap(namedColumns)
}
