import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import { counterRandom } from './counter-random.ts'
import { resample, squaredCopies } from './resample.ts'

const timesDrawn = (weights: Float64Array, count: number, seed: number): Float64Array => {
  const times = new Float64Array(weights.length)
  for (const row of resample(weights, count, counterRandom(seed, 9), 0)) times[row]!++
  return times
}

test.prop([
  fc.array(fc.double({ min: 0, max: 30, noNaN: true }), { minLength: 1, maxLength: 40 }),
  fc.integer({ min: 1, max: 200 }),
  fc.nat(1000),
])('a row comes floor or ceil of its expected number of times', (list, count, seed) => {
  const weights = Float64Array.from(list)
  const total = weights.reduce((a, b) => a + b, 0)
  fc.pre(total > 1e-3)
  timesDrawn(weights, count, seed).forEach((times, row) => {
    const expected = (count * weights[row]!) / total
    expect(times).toBeGreaterThanOrEqual(Math.floor(expected - 1e-9))
    expect(times).toBeLessThanOrEqual(Math.ceil(expected + 1e-9))
  })
})

it('foretells how often rows are repeated', () => {
  const random = counterRandom(3, 9)
  const weights = Float64Array.from({ length: 3000 }, (_, i) => Math.exp(1.2 * random.normal(i, 0)))
  for (const count of [100, 1000, 3000, 9000]) {
    const seen = timesDrawn(weights, count, count).reduce((sum, times) => sum + times * times, 0)
    expect(squaredCopies(weights, 3000, count) / seen).toBeCloseTo(1, 1)
  }
  expect(squaredCopies(new Float64Array(7).fill(2), 1000, 500)).toBeCloseTo(500, 9)
  expect(squaredCopies(Float64Array.of(1, 0, 0, 0), 400, 100)).toBeCloseTo(100, 9)
})
