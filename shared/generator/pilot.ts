import { counterRandom } from '../synthesizers/counter-random.ts'
import type { Layout } from '../synthesizers/cells.ts'
import { cellAt } from './proposal.ts'
import { type TiltedModel, tiltedWalk } from './tilted-model.ts'

/** Fixed: what a pilot tells is a function of the model alone. */
const pilotSeed = 0
const pilotStream = 9
const rounds = 6

/** Rows of a model and what each counts: their weighted distribution is the model's own, without its tilt. */
export interface Pilot {
  readonly cells: Uint16Array
  readonly weights: Float64Array
}

/**
 * Rows first .. first + rows of the pilot's stream, drawn column by column from a tilted model so that they lie where its
 * raked rows do, and weighted back. Their weights are calibrated so that in every column the drawn codes add up to the
 * probabilities that they were drawn by: code less probability is a martingale difference, zero on average whatever the
 * columns before. Taking all of them out (control variates, by calibration: Deville and Särndal 1992) removes what of the
 * sampling error is linear in the codes. Cost: a walk and 12 x cells multiplications a row; memory 4 bytes x rows x cells.
 */
export const pilotOf = (tilted: TiltedModel, first: number, rows: number): Pilot => {
  const { layout } = tilted.model
  const probabilities = new Float32Array(rows * layout.cells)
  const pilot = drawn(tilted, first, rows, probabilities)
  calibrate(layout, pilot, probabilities)
  return pilot
}

const drawn = (tilted: TiltedModel, first: number, rows: number, probabilities: Float32Array): Pilot => {
  const { offsets, sizes, cells: width } = tilted.model.layout
  const columns = sizes.length
  const random = counterRandom(pilotSeed, pilotStream)
  const walk = tiltedWalk(tilted)
  const masses = new Float64Array(walk.widest)
  const cells = new Uint16Array(rows * columns)
  const weights = new Float64Array(rows)
  for (let r = 0; r < rows; r++) {
    let weight = 1
    walk.start()
    for (let j = 0; j < columns; j++) {
      const size = sizes[j]!
      const total = walk.masses(j, masses)
      let allowed = 0
      for (let code = 0; code < size; code++) allowed += masses[code]!
      const at = r * width + offsets[j]!
      if (!(allowed > 0)) {
        // A walk that leaves codes out may leave none: the row counts nothing, here and in the columns to come.
        weight = 0
        for (let rest = j; rest < columns; rest++) probabilities[r * width + offsets[rest]!] = 1
        break
      }
      for (let code = 0; code < size; code++) probabilities[at + code] = masses[code]! / allowed
      const code = cellAt(masses, size, allowed * random.uniform(first + r, j))
      cells[r * columns + j] = code
      weight *= allowed / (total * (tilted.tilt?.[offsets[j]! + code] ?? 1))
      walk.take(j, code)
    }
    weights[r] = weight
  }
  return { cells, weights }
}

/** Calibrates by rounds of Newton's method with a diagonal in place of the Hessian. */
const calibrate = (layout: Layout, { cells, weights }: Pilot, probabilities: Float32Array): void => {
  const { offsets, sizes, cells: width } = layout
  const columns = sizes.length
  const rows = weights.length
  const steps = stepsOf(probabilities, offsets, rows, width)
  const counts = new Float64Array(rows).fill(1)
  const excess = new Float64Array(width)
  for (let round = 0; round < rounds; round++) {
    excess.fill(0)
    for (let r = 0; r < rows; r++) {
      const count = counts[r]!
      const at = r * width
      for (let i = 0; i < width; i++) excess[i]! -= count * probabilities[at + i]!
      for (let j = 0; j < columns; j++) excess[offsets[j]! + cells[r * columns + j]!]! += count
    }
    for (let i = 0; i < width; i++) excess[i]! *= steps[i]!
    for (let r = 0; r < rows; r++) {
      const at = r * width
      let shift = 0
      for (let i = 0; i < width; i++) shift += excess[i]! * probabilities[at + i]!
      for (let j = 0; j < columns; j++) shift -= excess[offsets[j]! + cells[r * columns + j]!]!
      counts[r]! *= Math.exp(shift)
    }
  }
  // Each constraint takes about half a row off the total.
  const mean = counts.reduce((a, b) => a + b, 0) / rows
  for (let r = 0; r < rows; r++) weights[r]! *= counts[r]! / mean
}

/**
 * How far a cell's weight moves for one row too many: 1 / expected rows (the inverse of a multinomial covariance), by the
 * share of the column's variance that the columns before leave open. Two rows more, for cells that are hardly ever drawn.
 */
const stepsOf = (probabilities: Float32Array, offsets: Int32Array, rows: number, width: number): Float64Array => {
  const means = new Float64Array(width)
  const squares = new Float64Array(width)
  for (let at = 0; at < rows * width; at += width)
    for (let i = 0; i < width; i++) {
      const p = probabilities[at + i]!
      means[i]! += p
      squares[i]! += p * p
    }
  const steps = new Float64Array(width)
  for (let j = 0; j + 1 < offsets.length; j++) {
    let open = 1e-3
    for (let i = offsets[j]!; i < offsets[j + 1]!; i++) {
      const whole = means[i]! * (1 - means[i]! / rows)
      if (whole > 1) open = Math.max(open, (means[i]! - squares[i]!) / whole)
    }
    for (let i = offsets[j]!; i < offsets[j + 1]!; i++) steps[i] = 1 / (open * (means[i]! + 2))
  }
  return steps
}
