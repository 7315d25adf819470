import { createCipheriv, createHash } from 'node:crypto'
import { foldedShareOf, wireBoundOf } from '@tributary/shared/dp/fold'
import { noiseTable } from '@tributary/shared/dp/noise-table'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import type { Query } from '@tributary/shared/dp/query'
import type { RandomPurpose, RandomStreams } from '@tributary/shared/ports'
import { clippedSum } from '@tributary/shared/synthesizers/clipped-sum'
import { clipNorm, noiseMultiplier, samplingRate } from '@tributary/shared/units'
import { fc, test as property } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { fold, roundToGrid, saturate } from './grid.ts'
import { noisedIntegers } from './noise.ts'

/** Repeats: one keystream per seed and purpose. Tests alone have such a thing. */
const seeded =
  (seed: number): RandomStreams =>
  (purpose: RandomPurpose) => {
    const key = createHash('sha256').update(`${seed} ${purpose}`).digest()
    const cipher = createCipheriv('aes-256-ctr', key, new Uint8Array(16))
    return { fill: (bytes) => bytes.set(cipher.update(new Uint8Array(bytes.length))) }
  }

/** Six standard deviations: a false alarm in 10^9 runs. */
const six = (count: number, rate: number) => 6 * Math.sqrt(count * rate * (1 - rate))

const shareSteps = 2 ** 17
/** A share of 2^17 fine steps, folded to 64 wire steps: as deep as a plan may. */
const queryOf = (dimension: number): Query => ({
  kind: 'gradient',
  dimension,
  clipNorm: clipNorm(1),
  samplingRate: samplingRate(0.05),
  noiseMultiplier: noiseMultiplier(2),
  divisor: 100,
  steps: 1,
  attempts: 1,
  grid: {
    step: 2 ** -18,
    shareSteps,
    noiseBound: noiseTable(shareSteps).noiseBound,
    clamp: 2 ** 23,
    foldBits: 11,
    valuesPerCoefficient: 3,
    slotBits: 16,
    scaleBits: 8,
  },
})

property.prop([
  fc.array(fc.tuple(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.double({ min: -3, max: 3, noNaN: true }))),
  fc.nat(),
])(
  'R13 grid: for the same bits, two sums end no further apart than they were plus a step a coordinate',
  (pairs, seed) => {
    const step = 0.01
    const one = Float64Array.from(pairs, ([value]) => value)
    const other = Float64Array.from(pairs, ([value, change]) => value + change)
    const rounded = roundToGrid(one, step, seeded(seed)('rounding'))
    const moved = roundToGrid(other, step, seeded(seed)('rounding'))
    rounded.forEach((value, i) => {
      expect(Number.isInteger(value)).toBe(true)
      expect(Math.abs(value - one[i]! / step)).toBeLessThan(1)
      expect(Math.abs(value - moved[i]!)).toBeLessThan(Math.abs(one[i]! - other[i]!) / step + 1)
    })
  },
)

test('R13 grid: rounding is at random and unbiased', () => {
  const rounded = roundToGrid(new Float64Array(20_000).fill(-0.3), 1, osRandomStreams()('rounding'))
  const below = rounded.filter((value) => value === -1).length
  expect(rounded.every((value) => value === -1 || value === 0)).toBe(true)
  expect(Math.abs(below - 0.3 * 20_000)).toBeLessThan(six(20_000, 0.3))
})

test('R14 grid: saturation keeps the sign, and what is no number becomes nothing', () => {
  const integers = Float64Array.of(5, -5, 3, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN)
  saturate(integers, 4)
  expect([...integers]).toEqual([4, -4, 3, 4, -4, 0])
})

property.prop([fc.array(fc.integer({ min: -(2 ** 51), max: 2 ** 51 })), fc.integer({ min: 0, max: 20 })])(
  'R12 grid: the fold leaves at most half a wire step, whatever the size, and none at 0 bits',
  (values, foldBits) => {
    const width = 2 ** foldBits
    const folded = Float64Array.from(values)
    fold(folded, foldBits)
    folded.forEach((value, i) => {
      expect(Number.isSafeInteger(value)).toBe(true)
      const left = values[i]! - value * width
      expect(left >= -width / 2 && left < Math.max(width / 2, 0.5)).toBe(true)
    })
  },
)

/** Mean and variance of what is left of `integers`, in fine steps, after the known centre. */
const momentsOf = (integers: Float64Array, foldBits: number, centre: number) => {
  const left = integers.map((value) => value * 2 ** foldBits - centre)
  const mean = left.reduce((sum, value) => sum + value, 0) / left.length
  return { left, mean, variance: left.reduce((sum, value) => sum + value * value, 0) / left.length }
}

test('R12 noise: a saturated coordinate keeps its whole noise, and nothing is clipped afterwards', () => {
  const dimension = 200_000
  const query = queryOf(dimension)
  const { clamp, foldBits } = query.grid
  for (const sign of [1, -1]) {
    const sum = clippedSum(new Float64Array(dimension).fill(sign * 1e12), query.clipNorm)
    const integers = noisedIntegers(sum, query, osRandomStreams())
    expect(integers.every((value) => Number.isInteger(value) && Math.abs(value) <= wireBoundOf(query.grid))).toBe(true)
    const { left, variance } = momentsOf(integers, foldBits, sign * clamp)
    const above = left.filter((value) => value > 0).length
    // The wire value at the centre itself counts as half.
    const centre = left.filter((value) => value === 0).length
    expect(Math.abs(above + centre / 2 - dimension / 2)).toBeLessThan(six(dimension, 0.5))
    expect(Math.abs(variance / shareSteps ** 2 - 1)).toBeLessThan(6 * Math.sqrt(2 / dimension))
  }
})

test('noise: a sum more sensitive than the plan, of another length, or a bound that is not the table’s is refused', () => {
  const query = queryOf(300)
  const refused = expect.objectContaining({ code: 'NOISE_REFUSED' })
  const vector = new Float64Array(query.dimension)
  const wide = clippedSum(vector, clipNorm(1.001 * query.clipNorm))
  expect(() => noisedIntegers(wide, query, seeded(1))).toThrow(refused)
  const short = clippedSum(vector.subarray(1), query.clipNorm)
  expect(() => noisedIntegers(short, query, seeded(1))).toThrow(refused)
  const sum = clippedSum(vector, query.clipNorm)
  const grid = { ...query.grid, noiseBound: query.grid.noiseBound - 1 }
  expect(() => noisedIntegers(sum, { ...query, grid }, seeded(1))).toThrow(refused)
  expect(noisedIntegers(sum, query, seeded(1))).toHaveLength(query.dimension)
})

test('R12 noise: only what a synthesizer vouched for is noised; a copy or a look-alike is refused', () => {
  const query = queryOf(10)
  const sum = clippedSum(new Float64Array(10), query.clipNorm)
  const refused = expect.objectContaining({ code: 'NOISE_REFUSED', message: expect.stringContaining('clipped sum') })
  for (const other of [{ ...sum }, { sum: sum.sum, sensitivity: sum.sensitivity }, sum.sum])
    expect(() => noisedIntegers(other as never, query, seeded(1))).toThrow(refused)
  expect(noisedIntegers(sum, query, seeded(1))).toHaveLength(10)
  expect(foldedShareOf(query.grid)).toBe(64)
})
