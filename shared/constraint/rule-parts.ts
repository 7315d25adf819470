import type { PrintedColumn } from '../schema/printed-column.ts'
import type { CellRule, Link, Side } from './compiled-rules.ts'
import { ticksIn } from './tick-grid.ts'

/** Values that a column may have in a row that keeps the rules, and whether it may be missing. */
export interface Span {
  readonly low: number
  readonly high: number
  readonly canMiss: boolean
}

/** Over the cells that are `left` of the side's column. Low above high where there is no value. */
export const spanWithin = ({ column, values }: Side, printed: readonly PrintedColumn[], left: Uint8Array): Span => {
  const { parent, missingCode } = printed[column]!
  let [low, high, canMiss] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, false]
  left.forEach((isLeft, cell) => {
    if (isLeft === 0) return
    if (parent[cell] === missingCode) canMiss = true
    else {
      low = Math.min(
        low,
        values === null ? ticksIn(printed[column]!).from[cell]! / ticksIn(printed[column]!).scale : values[cell]!,
      )
      high = Math.max(
        high,
        values === null ? ticksIn(printed[column]!).to[cell]! / ticksIn(printed[column]!).scale : values[cell]!,
      )
    }
  })
  return { low, high, canMiss }
}

export const linksOf = (rule: CellRule): Link[] => {
  if ('left' in rule) return [rule]
  if ('allowed' in rule) return []
  return ('all' in rule ? rule.all : rule.any).flatMap(linksOf)
}

/** Conditions on one column in a rule. */
export const leafRules = (rule: CellRule): Extract<CellRule, { allowed: Uint8Array }>[] => {
  if ('allowed' in rule) return [rule]
  if ('left' in rule) return []
  return ('all' in rule ? rule.all : rule.any).flatMap(leafRules)
}
