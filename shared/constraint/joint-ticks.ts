import type { PrintedColumn } from '../schema/printed-column.ts'
import { fails, holds } from '../synthesizers/condition-lookahead.ts'
import { isKept, type RuledRow, verdictOf } from './cell-verdict.ts'
import type { CellRule, Link, Side } from './compiled-rules.ts'
import { isMissing } from './link-share.ts'
import { firstTick, lastTick, ticksIn } from './tick-grid.ts'

/** Values that are tried, and passes over the comparisons for each. */
const mostTries = 400
const mostPasses = 200
const nearby = 12

/**
 * Values of the linked columns under which a whole row keeps all `rules`, written into `row.ticks`; false where none was found.
 * Alternatives are tried in turn. What is left to keep together is a set of comparisons: bounds are followed from column to
 * column until nothing moves (interval consistency, Davis 1987), which decides `<`, `<=` and their like: the lowest values left
 * are then a solution. Each column in turn, the coarsest first, takes `uniform(column)` in [0, 1) of what is left of it, else
 * its lowest or highest value or one close by. Cost: tries x passes x comparisons at most; most often one pass a column.
 */
export const jointTicks = (
  rules: readonly CellRule[],
  row: RuledRow,
  printed: readonly PrintedColumn[],
  uniform: (column: number) => number = () => 0,
): boolean => {
  const { cells } = row
  const all = cells.length
  const tries = { left: mostTries }
  const search = (waiting: readonly CellRule[], links: readonly Link[]): boolean => {
    const [first, ...others] = waiting
    if (first === undefined)
      return placed(links, row, printed, uniform, tries) && rules.every((rule) => isKept(rule, row, printed))
    const verdict = verdictOf(first, cells, all, printed)
    if (verdict === holds) return search(others, links)
    if (verdict === fails) return false
    if ('left' in first) return search(others, [...links, first])
    if ('all' in first) return search([...first.all, ...others], links)
    return 'any' in first && first.any.some((part) => tries.left > 0 && search([part, ...others], links))
  }
  return search(rules, [])
}

interface Bounds {
  /** Ticks, by column. */
  readonly low: Float64Array
  readonly high: Float64Array
}

const placed = (
  links: readonly Link[],
  row: RuledRow,
  printed: readonly PrintedColumn[],
  uniform: (column: number) => number,
  tries: { left: number },
): boolean => {
  const { cells, ticks } = row
  const open = links.filter(({ left, right }) => !isMissing(left, cells, printed) && !isMissing(right, cells, printed))
  const sides = open.flatMap(({ left, right }) => [left, right]).filter(({ values }) => values === null)
  const scaleOf = (column: number) => ticksIn(printed[column]!).scale
  const columns = [...new Set(sides.map(({ column }) => column))].sort((a, b) => scaleOf(a) - scaleOf(b) || a - b)
  const start: Bounds = { low: new Float64Array(cells.length), high: new Float64Array(cells.length) }
  for (const column of columns) {
    start.low[column] = ticksIn(printed[column]!).from[cells[column]!]!
    start.high[column] = ticksIn(printed[column]!).to[cells[column]!]!
  }
  const place = (bounds: Bounds, at: number): boolean => {
    if (tries.left-- <= 0 || !narrowed(open, bounds, row, printed)) return false
    const column = columns[at]
    if (column === undefined) {
      for (const each of columns) ticks[each] = bounds.low[each]!
      return open.every((link) => isKept(link, row, printed))
    }
    const [low, high] = [bounds.low[column]!, bounds.high[column]!]
    for (const tick of candidates(low, high, uniform(column))) {
      const next = { low: bounds.low.slice(), high: bounds.high.slice() }
      next.low[column] = next.high[column] = tick
      if (place(next, at + 1)) return true
      if (tries.left <= 0) return false
    }
    return false
  }
  return place(start, 0)
}

const candidates = (low: number, high: number, uniform: number): Set<number> => {
  const wanted = Math.min(low + Math.floor(uniform * (high - low + 1)), high)
  const near = Array.from({ length: nearby }, (_, i) => [wanted + i + 1, wanted - i - 1, low + i + 1, high - i - 1])
  return new Set([wanted, low, high, ...near.flat()].filter((tick) => tick >= low && tick <= high))
}

/** Follows bounds through the comparisons until nothing moves; false where a column has nothing left. */
const narrowed = (links: readonly Link[], bounds: Bounds, { cells }: RuledRow, printed: readonly PrintedColumn[]) => {
  const { low, high } = bounds
  const valueAt = ({ column, values }: Side, ends: Float64Array) =>
    values === null ? ends[column]! / ticksIn(printed[column]!).scale : values[cells[column]!]!
  let hasMoved = true
  /** lower <= upper, or lower < upper. */
  const order = (lower: Side, upper: Side, isStrict: boolean): boolean => {
    const [least, most] = [valueAt(lower, low), valueAt(upper, high)]
    if (isStrict ? !(least < most) : !(least <= most)) return false
    if (upper.values === null) {
      const { scale } = ticksIn(printed[upper.column]!)
      let tick = firstTick(least, scale)
      if (isStrict && tick / scale === least) tick++
      if (tick > low[upper.column]!) [low[upper.column], hasMoved] = [tick, true]
    }
    if (lower.values === null) {
      const { scale } = ticksIn(printed[lower.column]!)
      let tick = lastTick(most, scale)
      if (isStrict && tick / scale === most) tick--
      if (tick < high[lower.column]!) [high[lower.column], hasMoved] = [tick, true]
    }
    return isLeft(lower) && isLeft(upper)
  }
  /** A side that is settled takes its value off the ends of the other. */
  const apart = (side: Side, other: Side): boolean => {
    const value = valueAt(side, low)
    if (value !== valueAt(side, high)) return true
    if (other.values !== null) return valueAt(other, low) !== value
    const { scale } = ticksIn(printed[other.column]!)
    if (low[other.column]! / scale === value) [low[other.column], hasMoved] = [low[other.column]! + 1, true]
    if (high[other.column]! / scale === value) [high[other.column], hasMoved] = [high[other.column]! - 1, true]
    return isLeft(other)
  }
  const isLeft = ({ column, values }: Side) => values !== null || low[column]! <= high[column]!
  for (let pass = 0; hasMoved; pass++) {
    if (pass === mostPasses) return false
    hasMoved = false
    for (const { left, comparator, right } of links) {
      const isStrict = !comparator.includes('=')
      if (comparator === '!=') {
        if (!(apart(left, right) && apart(right, left))) return false
        continue
      }
      if (comparator !== '>' && comparator !== '>=' && !order(left, right, isStrict)) return false
      if (comparator !== '<' && comparator !== '<=' && !order(right, left, isStrict)) return false
    }
  }
  return true
}
