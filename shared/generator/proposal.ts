import { fails, holds, type Lookahead } from '../synthesizers/condition-lookahead.ts'
import type { CounterRandom } from '../synthesizers/counter-random.ts'
import { type Prefixes, prefixAt } from './prefixes.ts'
import { cellsIn, type TiltedModel, tiltedWalk } from './tilted-model.ts'

/** Rows of cells, row-major, and how much each stands for: their weighted distribution is the conditional one. */
export interface WeightedRows {
  readonly cells: Uint16Array
  readonly weights: Float64Array
}

/** Draws rows first .. first + rows: a row depends on the random numbers and its own number alone. */
export type Proposal = (random: CounterRandom, first: number, rows: number) => WeightedRows

/**
 * Sequential importance sampling (Kong, Liu and Wong 1994) of a tilted model under a condition: a row starts with a prefix
 * drawn by its exact mass; each further column is drawn from the cells under which the condition can still be met, and the
 * row's weight is multiplied by the mass of these cells. The mean weight is the mass of the condition under the tilted
 * model, not normalised. A row that runs into an impossible column has weight 0.
 * Cost: a walk of the generator a row, and the condition's leaves for each column that it names.
 */
export const proposalOf = (tilted: TiltedModel, lookahead: Lookahead, prefixes: Prefixes): Proposal => {
  const columns = tilted.cells.length
  const walk = tiltedWalk(tilted)
  const sizes = tilted.cells.map((_, column) => cellsIn(tilted, column))
  const named = tilted.cells.map((_, column) => lookahead.columns.includes(column))
  const row = new Uint16Array(columns)
  const masses = new Float64Array(walk.widest)
  const verdicts = new Uint8Array(walk.widest)
  const wholeMass = prefixes.reached.at(-1) ?? 0

  const drawRow = (random: CounterRandom, number: number): number => {
    const prefix = prefixAt(prefixes, random.uniform(number, columns))
    let weight = wholeMass
    let isSettled = prefix.holds
    walk.start()
    row.set(prefix.cells)
    prefix.cells.forEach((cell, j) => walk.take(j, cell))
    for (let j = prefix.cells.length; j < columns; j++) {
      const size = sizes[j]!
      const total = walk.masses(j, masses)
      const isChecked = !isSettled && named[j]!
      if (isChecked) {
        lookahead.verdicts(row, j, verdicts)
        for (let cell = 0; cell < size; cell++) if (verdicts[cell] === fails) masses[cell] = 0
      }
      let allowed = 0
      for (let cell = 0; cell < size; cell++) allowed += masses[cell]!
      if (!(allowed > 0)) return 0
      const cell = cellAt(masses, size, allowed * random.uniform(number, j))
      row[j] = cell
      if (isChecked && verdicts[cell] === holds) isSettled = true
      weight *= allowed / total
      walk.take(j, cell)
    }
    return weight
  }

  return (random, first, rows) => {
    const cells = new Uint16Array(rows * columns)
    const weights = new Float64Array(rows)
    for (let r = 0; r < rows; r++) {
      weights[r] = drawRow(random, first + r)
      cells.set(row, r * columns)
    }
    return { cells, weights }
  }
}

/** The cell in which `position` falls; never one without mass. */
export const cellAt = (masses: Float64Array, size: number, position: number): number => {
  let left = position
  let last = 0
  for (let cell = 0; cell < size; cell++) {
    if (masses[cell] === 0) continue
    left -= masses[cell]!
    if (left < 0) return cell
    last = cell
  }
  return last
}
