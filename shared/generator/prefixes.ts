import { fails, holds, type Lookahead } from '../synthesizers/condition-lookahead.ts'
import { cellsIn, type TiltedModel, type TiltedWalk } from './tilted-model.ts'

/** Most prefixes that are written down, unless a caller can afford fewer. */
export const mostPrefixes = 20_000

/**
 * Every way in which a row's leading columns can still meet a condition, with its exact mass under the tilted model: the
 * product over its columns of share x factor x probability. Rows that begin with a prefix drawn by mass need no weight for
 * what the condition says of these columns.
 */
export interface Prefixes {
  /** Leading columns covered: a prefix is shorter only where the condition already holds. */
  readonly depth: number
  readonly prefixes: readonly Prefix[]
  /** Running sums of the masses. */
  readonly reached: Float64Array
  /** All of them hold: nothing of the condition is left open. */
  readonly isDecided: boolean
}

export interface Prefix {
  readonly cells: Uint16Array
  readonly mass: number
  readonly holds: boolean
}

/**
 * Covers as many leading columns as `most` prefixes allow, ending with a column that the condition names; depth 0 when the
 * first such column is out of reach. Cost: at most `most` walks through the leading columns.
 */
export const prefixesOf = (
  tilted: TiltedModel,
  walk: TiltedWalk,
  lookahead: Lookahead,
  most: number = mostPrefixes,
): Prefixes => {
  const row = new Uint16Array(tilted.cells.length)
  const known = lookahead.verdict(row, 0)
  let frontier: Prefix[] = known === fails ? [] : [{ cells: new Uint16Array(0), mass: 1, holds: known === holds }]
  let best = finished(frontier, 0)
  for (let column = 0; column <= (lookahead.columns.at(-1) ?? -1) && !best.isDecided; column++) {
    const next = expanded(frontier, column, cellsIn(tilted, column), walk, lookahead, row, most)
    if (next === null) break
    frontier = next
    if (lookahead.columns.includes(column)) best = finished(frontier, column + 1)
  }
  return best
}

/** The prefixes one column longer where they are open; null when there would be too many. */
const expanded = (
  frontier: readonly Prefix[],
  column: number,
  size: number,
  walk: TiltedWalk,
  lookahead: Lookahead,
  row: Uint16Array,
  most: number,
): Prefix[] | null => {
  const masses = new Float64Array(size)
  const verdicts = new Uint8Array(size)
  const next: Prefix[] = []
  for (const prefix of frontier) {
    if (prefix.holds) {
      next.push(prefix)
      continue
    }
    walk.start()
    row.set(prefix.cells)
    prefix.cells.forEach((cell, j) => walk.take(j, cell))
    const total = walk.masses(column, masses)
    lookahead.verdicts(row, column, verdicts)
    for (let cell = 0; cell < size; cell++) {
      if (verdicts[cell] === fails || masses[cell] === 0) continue
      const cells = new Uint16Array(column + 1)
      cells.set(prefix.cells)
      cells[column] = cell
      next.push({ cells, mass: (prefix.mass * masses[cell]!) / total, holds: verdicts[cell] === holds })
    }
    if (next.length > most) return null
  }
  return next
}

const finished = (prefixes: readonly Prefix[], depth: number): Prefixes => {
  let total = 0
  const reached = Float64Array.from(prefixes, ({ mass }) => (total += mass))
  return { depth, prefixes, reached, isDecided: prefixes.every((prefix) => prefix.holds) }
}

/** The prefix in which `uniform` in (0, 1) times the whole mass falls. */
export const prefixAt = ({ prefixes, reached }: Prefixes, uniform: number): Prefix => {
  const position = uniform * reached[reached.length - 1]!
  let low = 0
  let high = reached.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (reached[middle]! > position) high = middle
    else low = middle + 1
  }
  return prefixes[low]!
}
