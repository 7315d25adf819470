import type { Comparator } from '../condition/condition-grammar.ts'
import { flipped } from '../condition/parse-condition.ts'

/** Equally likely values: whole ticks `from` to `to`, both included, over `scale`, a power of ten. */
export interface TickRun {
  readonly from: number
  readonly to: number
  readonly scale: number
}

/**
 * Share of the pairs of values, one of each run, of which the comparison holds; 0 and 1 only where it holds of none and of all.
 * Counted in whole ticks, in O(1).
 */
export const pairShare = (left: TickRun, comparator: Comparator, right: TickRun): number => {
  switch (comparator) {
    case '<=':
      return shareAtMost(left, right, 0)
    case '<':
      return shareAtMost(left, right, 1)
    case '>=':
    case '>':
      return pairShare(right, flipped[comparator], left)
    case '=':
      return shareEqual(left, right)
    case '!=':
      return kept(1 - shareEqual(left, right), equals(left, right) > 0, equals(left, right) === pairs(left, right))
  }
}

const pairs = (left: TickRun, right: TickRun): number => (left.to - left.from + 1) * (right.to - right.from + 1)

/** Rounding makes neither certainty of a share nor the other way round. */
const kept = (share: number, isBelowOne: boolean, isZero: boolean): number => {
  if (isZero) return 0
  return Math.max(isBelowOne ? Math.min(share, 1 - 2 ** -40) : 1, 2 ** -100)
}

const equals = (left: TickRun, right: TickRun): number => {
  const [coarse, fine] = left.scale <= right.scale ? [left, right] : [right, left]
  const steps = fine.scale / coarse.scale
  const first = Math.max(coarse.from, Math.ceil(fine.from / steps))
  const last = Math.min(coarse.to, Math.floor(fine.to / steps))
  return Math.max(last - first + 1, 0)
}

const shareEqual = (left: TickRun, right: TickRun): number => {
  const count = equals(left, right)
  return kept(count / pairs(left, right), count < pairs(left, right), count === 0)
}

/** Of left + `gap` finer ticks <= right. */
const shareAtMost = (left: TickRun, right: TickRun, gap: number): number => {
  if (left.scale > right.scale)
    // -right <= -left, the coarser run first.
    return atMost(-right.to, -right.from, left.scale / right.scale, -left.to - gap, -left.from - gap)
  return atMost(left.from, left.to, right.scale / left.scale, right.from - gap, right.to - gap)
}

/** Share of the pairs x in from .. to, y in low .. high with `steps` x <= y. */
const atMost = (from: number, to: number, steps: number, low: number, high: number): number => {
  const height = high - low + 1
  const width = to - from + 1
  // Up to `all` every y will do; up to `some` at least one.
  const all = Math.min(Math.max(Math.floor(low / steps), from - 1), to)
  const some = Math.min(Math.max(Math.floor(high / steps), from - 1), to)
  const sloping = some - all
  const first = high - steps * (all + 1) + 1
  const last = high - steps * some + 1
  const share = ((all - from + 1) * height + (sloping > 0 ? (sloping * (first + last)) / 2 : 0)) / (width * height)
  return kept(share, all < to, some < from)
}
