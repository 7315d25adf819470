import type { CounterRandom } from './counter-random.ts'

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

/**
 * Expected sum over a pool's rows of (times drawn)^2 when `count` of `pool` rows are drawn by `resample`, the weights being
 * like those of the sample `weights`. count^2 over it is the number of rows that the draw is worth (Kish 1965): `count` when
 * no row comes twice.
 */
export const squaredCopies = (weights: Float64Array, pool: number, count: number): number => {
  const total = weights.reduce((a, b) => a + b, 0)
  const scale = (weights.length / total) * (count / pool)
  let sum = 0
  for (const weight of weights) {
    const expected = weight * scale
    const least = Math.floor(expected)
    sum += least * least + (expected - least) * (2 * least + 1)
  }
  return (sum / weights.length) * pool
}
