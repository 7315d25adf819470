import { describe, expect, it } from 'vitest'
import { layoutOf } from '../synthesizers/cells.ts'
import { lookaheadOf } from '../synthesizers/condition-lookahead.ts'
import { counterRandom } from '../synthesizers/counter-random.ts'
import { networkOf } from '../synthesizers/autoregressive/network.ts'
import { pilotOf } from './pilot.ts'
import { prefixesOf } from './prefixes.ts'
import { proposalOf } from './proposal.ts'
import { defaultSettings } from '../synthesizers/autoregressive/settings.ts'
import { fitError, tiltOf } from './tilt.ts'
import { tiltedWalk } from './tilted-model.ts'
import { autoregressiveGenerator } from '../synthesizers/autoregressive/generator.ts'
import type { Generator } from './generator.ts'

/** Many levels: calibration has 60 constraints to meet. */
const layout = layoutOf(Array.from({ length: 12 }, () => 6))
const columns = layout.sizes.length
const network = networkOf(layout, { ...defaultSettings, hidden: 6 })
const random = counterRandom(4, 9)
const marginals = Float64Array.from(
  { length: layout.cells },
  (_, cell) => [0.3, 0.25, 0.15, 0.15, 0.1, 0.05][cell % 6]!,
)
const params = Float32Array.from({ length: network.dimension }, (_, i) => 0.1 * random.normal(i, 0))
for (let cell = 0; cell < layout.cells; cell++) params[network.outputBias + cell] = Math.log(marginals[cell]!) / 1.2
const model: Generator = autoregressiveGenerator({ network, params, marginals, levels: layout.sizes.map(() => null) })
const cells = layout.sizes.map(() => null)

const shares = (codes: Uint16Array, weights: ArrayLike<number>) => {
  const counts = new Float64Array(layout.cells)
  for (let r = 0; r < weights.length; r++)
    for (let j = 0; j < columns; j++)
      counts[layout.offsets[j]! + codes[r * columns + j]!]! += weights[r]! / weights.length
  return counts
}
const distance = (one: Float64Array, other: Float64Array) =>
  Math.sqrt(one.reduce((sum, share, cell) => sum + (share - other[cell]!) ** 2, 0) / one.length)

describe('pilotOf', () => {
  it('stands for the model as eight times as many plain rows or more', () => {
    const rows = 8192
    const truth = shares(model.drawRows(counterRandom(5, 9), 0, 64 * rows), new Float64Array(64 * rows).fill(1))
    const { cells: codes, weights } = pilotOf({ model, tilt: null, cells }, 0, rows)
    expect(weights.reduce((a, b) => a + b, 0) / rows).toBeCloseTo(1, 9)
    const plain = distance(shares(codes, new Float64Array(rows).fill(1)), truth)
    expect(distance(shares(codes, weights), truth)).toBeLessThan(plain / Math.sqrt(8))
    // Drawn from elsewhere and weighted back, it is the same model.
    const tilt = Float64Array.from({ length: layout.cells }, (_, cell) => (cell % 6 === 5 ? 1.5 : 1))
    const moved = pilotOf({ model, tilt, cells }, 0, rows)
    expect(distance(shares(moved.cells, moved.weights), truth)).toBeLessThan(plain / 2)
    expect(distance(shares(moved.cells, new Float64Array(rows).fill(1)), truth)).toBeGreaterThan(2 * plain)
  })

  it('makes a fit whose masses add up to 1, whatever calibration took', () => {
    const tilt = tiltOf(model)!
    const tilted = { model, tilt: tilt.factors, cells }
    const free = lookaheadOf({ all: [] })
    const rows = 150_000
    const everything = proposalOf(tilted, free, prefixesOf(tilted, tiltedWalk(tilted), free))
    const { cells: codes, weights } = everything(counterRandom(6, 9), 0, rows)
    const mean = weights.reduce((a, b) => a + b, 0) / rows
    const sampling = Math.sqrt(weights.reduce((sum, weight) => sum + (weight - mean) ** 2, 0)) / rows
    const error = Math.hypot(sampling, fitError(tilt, layout.offsets, codes, weights))
    // False alarms: one in a million.
    expect(Math.abs(mean - 1)).toBeLessThan(4.9 * error)
    // Sixty constraints on 8192 rows would take 0.0037 off it, uncorrected.
    expect(4.9 * error).toBeLessThan(0.003)
    expect(distance(shares(codes, weights), marginals)).toBeLessThan(0.001)
  })
})
