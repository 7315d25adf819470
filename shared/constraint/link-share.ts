import type { Comparator } from '../condition/condition-grammar.ts'
import { flipped } from '../condition/parse-condition.ts'
import type { PrintedColumn } from '../schema/printed-column.ts'
import { compares } from './comparison.ts'
import type { Link, Side } from './compiled-rules.ts'
import { pairShare, type TickRun } from './pair-share.ts'
import { firstTick, ticksIn } from './tick-grid.ts'

/**
 * Share of the values of two cells of which a comparison holds, every value of a cell being equally likely; 1 where either is
 * missing. 0 and 1 only where it holds of none and of all. O(1).
 */
export const linkShare = (link: Link, row: Uint16Array, printed: readonly PrintedColumn[]): number => {
  const { left, comparator, right } = link
  if (isMissing(left, row, printed) || isMissing(right, row, printed)) return 1
  const [one, other] = [valuesOf(left, row, printed), valuesOf(right, row, printed)]
  if (typeof one === 'number')
    return typeof other === 'number'
      ? compares(comparator, one, other)
        ? 1
        : 0
      : shareAgainst(other, flipped[comparator], one)
  return typeof other === 'number' ? shareAgainst(one, comparator, other) : pairShare(one, comparator, other)
}

export const isMissing = ({ column }: Side, row: Uint16Array, printed: readonly PrintedColumn[]): boolean => {
  const { parent, missingCode } = printed[column]!
  return missingCode >= 0 && parent[row[column]!] === missingCode
}

const valuesOf = ({ column, values }: Side, row: Uint16Array, printed: readonly PrintedColumn[]): TickRun | number => {
  const cell = row[column]!
  if (values !== null) return values[cell]!
  const { from, to, scale } = ticksIn(printed[column]!)
  return { from: from[cell]!, to: to[cell]!, scale }
}

/** Share of the run's values of which it holds against one value. */
const shareAgainst = ({ from, to, scale }: TickRun, comparator: Comparator, value: number): number => {
  const first = firstTick(value, scale)
  const isOn = first / scale === value
  const within = (low: number, high: number) => Math.max(Math.min(high, to) - Math.max(low, from) + 1, 0)
  const count = {
    '<': () => within(from, first - 1),
    '<=': () => within(from, isOn ? first : first - 1),
    '>': () => within(isOn ? first + 1 : first, to),
    '>=': () => within(first, to),
    '=': () => (isOn ? within(first, first) : 0),
    '!=': () => to - from + 1 - (isOn ? within(first, first) : 0),
  }[comparator]()
  return count / (to - from + 1)
}
