import type { CounterRandom } from './counter-random.ts'
import type { Layout } from './cells.ts'

const passes = 30
const stepBound = 5
const weightBound = 20

/**
 * Weights of `rows` rows, mean about 1, under which each column's shares are `marginals`: iterative proportional fitting
 * (Deming and Stephan 1940). A step changes a weight by a factor of 5 at most and a weight stays within 1/20 to 20 of the
 * mean, so that a share the pool hardly has is approached rather than forced. Cost: 30 x rows x columns.
 */
export const rakeWeights = (
  layout: Layout,
  marginals: Float64Array,
  cells: Uint16Array,
  rows: number,
): Float64Array => {
  const { offsets } = layout
  const columns = layout.sizes.length
  const weights = new Float64Array(rows).fill(1)
  for (let pass = 0; pass < passes; pass++) {
    for (let j = 0; j < columns; j++) {
      const start = offsets[j]!
      const shares = new Float64Array(offsets[j + 1]! - start)
      let total = 0
      for (let r = 0; r < rows; r++) {
        const code = cells[r * columns + j]!
        shares[code] = shares[code]! + weights[r]!
        total += weights[r]!
      }
      const factors = shares.map((share, code) =>
        share > 0 ? bounded((marginals[start + code]! * total) / share, stepBound) : 1,
      )
      for (let r = 0; r < rows; r++) weights[r] = weights[r]! * factors[cells[r * columns + j]!]!
    }
    const mean = weights.reduce((a, b) => a + b, 0) / rows
    for (let r = 0; r < rows; r++) weights[r] = bounded(weights[r]! / mean, weightBound)
  }
  return weights
}

const bounded = (value: number, bound: number) => Math.min(Math.max(value, 1 / bound), bound)

/**
 * `count` rows of the pool in random order, each in proportion to its weight, by systematic resampling (one random start,
 * equal steps): a row of weight w comes floor or ceil of its expected number of times.
 */
export const resample = (weights: Float64Array, count: number, random: CounterRandom, stream: number): Uint32Array => {
  const picked = new Uint32Array(count)
  const total = weights.reduce((a, b) => a + b, 0)
  const start = random.uniform(stream, 0)
  let row = 0
  let reached = weights[0]!
  for (let i = 0; i < count; i++) {
    const position = ((i + start) * total) / count
    while (reached < position && row < weights.length - 1) reached += weights[++row]!
    picked[i] = row
  }
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(random.uniform(stream, i) * (i + 1))
    const kept = picked[i]!
    picked[i] = picked[other]!
    picked[other] = kept
  }
  return picked
}
