import { CodedError } from '../errors.ts'
import type { ColumnCells } from '../synthesizers/cell-condition.ts'
import { counterRandom } from '../synthesizers/counter-random.ts'
import type { Generator } from './generator.ts'
import { withLevels } from './generator-levels.ts'
import { cellAt } from './proposal.ts'
import { tiltOf } from './tilt.ts'
import { tiltedWalk } from './tilted-model.ts'

/** Streams of the order's seed: what follows a set column, and the levels inside its groups. */
const redrawStream = 12
const levelStream = 13

/** Ends tried for a row: one is chosen by weight where raking gives them weights, and more are tried while none may follow. */
const ends = 8
const mostEnds = 64

/** Columns set to a cell each, the first of them at `first`. */
export interface Forced {
  /** By column; null: drawn. A column before the first that is set is kept. */
  readonly codes: readonly (number | null)[]
  /** What a row prints in a column that is set. */
  readonly cells: readonly (number | null)[]
}

/**
 * Rows under an intervention, by truncated factorisation (Robins 1986; Pearl 1993) in the model's order of columns: what comes
 * before the first column set is kept, set columns are set, all others after it are drawn again from the raked model given what is
 * before them, by sampling among up to 8 ends with their importance weights (Rubin 1987). The order of columns is no causal order.
 *
 * `kept[j]`: how the rows' cells of a column before that are parts of what the generator models; null: they are its codes. The
 * columns after it come back as levels of the study. `first`: number of the first row; a row depends on the seed, its number and
 * its kept cells alone, so that the same rows under two interventions share their random numbers.
 * Throws `CONSTRAINT_BROKEN` for a row that may not have the values set. Cost: 8 walks a row.
 */
export const intervened = (
  generator: Generator,
  kept: readonly (ColumnCells | null)[],
  { codes, cells: printed }: Forced,
): ((rows: Uint16Array, first: number, seed: number) => Uint16Array) => {
  const { layout, levels } = generator
  const columns = layout.sizes.length
  const start = codes.findIndex((code) => code !== null)
  const tilt = tiltOf(generator)
  const model = { model: generator, tilt: tilt?.factors ?? null, cells: codes.map(() => null) }
  const walk = tiltedWalk(model)
  const masses = new Float64Array(walk.widest)
  const later = levels.map((column, j) => (j > start && codes[j] === null ? column : null))
  const tried = Array.from({ length: ends }, () => new Uint16Array(columns))
  const weights = new Float64Array(ends)

  /** One end of a row into `row`, and its weight; 0 where nothing may follow. */
  const end = (row: Uint16Array, uniform: (column: number) => number): number => {
    let weight = 1
    walk.start()
    for (let j = 0; j < start; j++) walk.take(j, kept[j]?.parent[row[j]!] ?? row[j]!)
    for (let j = start; j < columns; j++) {
      const size = layout.sizes[j]!
      const total = walk.masses(j, masses)
      const code = codes[j] ?? null
      if (code === null) {
        let allowed = 0
        for (let cell = 0; cell < size; cell++) allowed += masses[cell]!
        if (!(allowed > 0 && total > 0)) return 0
        row[j] = cellAt(masses, size, allowed * uniform(j))
        weight *= allowed / total
      } else {
        if (!(masses[code]! > 0)) return 0
        row[j] = code
      }
      walk.take(j, row[j]!)
    }
    return weight
  }

  return (rows, first, seed) => {
    const random = counterRandom(seed, redrawStream)
    const made = new Uint16Array(rows.length)
    for (let r = 0, at = 0; at < rows.length; r++, at += columns) {
      const number = first + r
      let whole = 0
      const most = tilt === null && generator.isMasked !== true ? 1 : ends
      for (let from = 0; whole === 0; from += most) {
        if (from >= mostEnds) throw new CodedError('CONSTRAINT_BROKEN', 'a row may not have the values that are set')
        for (let e = 0; e < most; e++) {
          tried[e]!.set(rows.subarray(at, at + columns))
          whole += weights[e] = end(tried[e]!, (j) => random.uniform(number, (from + e + 1) * columns + j))
        }
      }
      const chosen = most === 1 ? 0 : cellAt(weights, most, whole * random.uniform(number, 0))
      made.set(tried[chosen]!, at)
    }
    const leveled = withLevels(layout, later, made, counterRandom(seed, levelStream), first)
    printed.forEach((cell, j) => {
      if (cell !== null) for (let at = j; at < leveled.length; at += columns) leveled[at] = cell
    })
    return leveled
  }
}
