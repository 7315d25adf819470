import { foldedShareOf, wireBoundOf, wireStepOf } from '@tributary/shared/dp/fold'
import { drawNoise, noiseTable } from '@tributary/shared/dp/noise-table'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import type { Query } from '@tributary/shared/dp/query'
import { slackLimit, slackOf } from '@tributary/shared/dp/slack'
import type { RandomPurpose, RandomSource, RandomStreams } from '@tributary/shared/ports'
import { clippedSum } from '@tributary/shared/synthesizers/clipped-sum'
import { clipNorm, noiseMultiplier, samplingRate } from '@tributary/shared/units'
import { fc, test as property } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { TapedStreams } from '../../test/harness/tape.ts'
import { six } from '../../test/harness/unit-records.ts'
import { fold, roundToGrid, saturate } from './grid.ts'
import { noisedIntegers } from './noise.ts'

const seeded = (seed: number) => new TapedStreams(seed).open

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

/**
 * Exact mean and variance, in shares, that a fold leaves of noise of 2^17 fine steps: a sum over its whole law, nothing drawn.
 * `centre` is the sum before noise.
 */
const foldedMoments = (
  foldOf: (integers: Float64Array, foldBits: number) => void,
  foldBits: number,
  centre: number,
) => {
  const reach = 7 * shareSteps
  const folded = Float64Array.from({ length: 2 * reach + 1 }, (_, i) => centre + i - reach)
  foldOf(folded, foldBits)
  let [total, mean, square] = [0, 0, 0]
  for (let z = -reach; z <= reach; z++) {
    const weight = Math.exp(-0.5 * (z / shareSteps) ** 2)
    const left = (folded[z + reach]! * 2 ** foldBits - centre) / shareSteps
    total += weight
    mean += weight * left
    square += weight * left * left
  }
  return { bias: mean / total, variance: square / total }
}
/** Half a fine step of bias, and less than 10^-4 of the planned variance, wherever the sum lies. */
const foldsWell = (foldOf: typeof fold, foldBits: number): boolean =>
  [0, 700, -1024].every((centre) => {
    const { bias, variance } = foldedMoments(foldOf, foldBits, centre)
    return Math.abs(bias) * shareSteps < 0.5 + 1e-6 && Math.abs(variance - 1) < 1e-4
  })

test('R12 noise: the fold leaves the planned variance within 10^-4 and no bias; other roundings, or a deeper fold, do not', () => {
  expect(foldsWell(fold, 11)).toBe(true)
  const { variance } = foldedMoments(fold, 11, 0)
  expect((variance - 1) * 12 * 64 ** 2).toBeCloseTo(1, 3)
  const wrong = (round: (value: number) => number) => (integers: Float64Array, foldBits: number) => {
    for (let i = 0; i < integers.length; i++) integers[i] = round(integers[i]! / 2 ** foldBits)
  }
  expect(foldsWell(wrong(Math.floor), 11)).toBe(false)
  expect(foldsWell(wrong(Math.trunc), 11)).toBe(false)
  expect(foldsWell(fold, 13)).toBe(false)
})

type NoiseOf = typeof noisedIntegers

/** Whether a site whose sum is far beyond the clamp still adds its whole share: spread, symmetry and centre. */
const keepsItsNoise = (noiseOf: NoiseOf, sign: number): boolean => {
  const dimension = 60_000
  const query = queryOf(dimension)
  const { clamp, foldBits } = query.grid
  const integers = noiseOf(
    clippedSum(new Float64Array(dimension).fill(sign * 1e12), query.clipNorm),
    query,
    osRandomStreams(),
  )
  if (!integers.every((value) => Number.isInteger(value) && Math.abs(value) <= wireBoundOf(query.grid))) return false
  const left = integers.map((value) => (value * 2 ** foldBits - sign * clamp) / shareSteps)
  const mean = left.reduce((sum, value) => sum + value, 0) / dimension
  const variance = left.reduce((sum, value) => sum + value * value, 0) / dimension
  return Math.abs(mean) < 6 / Math.sqrt(dimension) && Math.abs(variance - 1) < 6 * Math.sqrt(2 / dimension)
}

/** Planted: the saturation of R12 moved behind the noise. */
const saturatedLast: NoiseOf = ({ sum }, { grid, dimension }, streams) => {
  const integers = roundToGrid(sum, grid.step, streams('rounding'))
  const noise = new Float64Array(dimension)
  drawNoise(noiseTable(grid.shareSteps), streams('noise'), noise)
  for (let i = 0; i < dimension; i++) integers[i]! += noise[i]!
  saturate(integers, grid.clamp)
  fold(integers, grid.foldBits)
  return integers
}

test('R12 noise: a saturated coordinate keeps its whole noise, and nothing is clipped afterwards', () => {
  for (const sign of [1, -1]) {
    expect(keepsItsNoise(noisedIntegers, sign)).toBe(true)
    expect(keepsItsNoise(saturatedLast, sign)).toBe(false)
  }
})

/** The farthest, in clip norms, that two sums at most C apart end up under the same bits, before noise. */
const farthest = (
  roundOf: (sum: Float64Array, step: number, bits: RandomSource) => Float64Array,
  query: Query,
): number => {
  const { grid, dimension, clipNorm: norm } = query
  const apart = norm / Math.sqrt(dimension)
  let most = 0
  for (const start of [0, 0.5 * grid.step, 0.5 * grid.step - apart, -apart, 0.3 * grid.step]) {
    const one = roundOf(new Float64Array(dimension).fill(start), grid.step, seeded(1)('rounding'))
    const other = roundOf(new Float64Array(dimension).fill(start + apart), grid.step, seeded(1)('rounding'))
    most = Math.max(most, (grid.step * Math.hypot(...one.map((value, i) => value - other[i]!))) / norm)
  }
  return most
}

test('R13 noise: what rounding adds is inside the slack of the plan; to the nearest of 64 steps a share nearly doubles the norm', () => {
  const planned = queryOf(4000)
  const fine = { ...planned, grid: { ...planned.grid, step: 2 ** -16 } }
  expect(slackOf(fine)).toBeLessThan(0.001)
  expect(farthest(roundToGrid, fine)).toBeLessThanOrEqual(1 + slackOf(fine))
  // Planted: a grid of 64 steps a share, as 17 bits a slot allow without a fold, rounded to the nearest.
  const coarse = { ...fine, grid: { ...fine.grid, step: fine.grid.step * 2 ** 11, shareSteps: 64, foldBits: 0 } }
  const nearest = (sum: Float64Array, step: number) => sum.map((value) => Math.round(value / step))
  expect(farthest(nearest, coarse)).toBeGreaterThan(1.9)
  expect(slackOf(coarse)).toBeGreaterThan(slackLimit.gradient)
})

test('R13 noise: the contribution is the sum, without bias, and its share of the noise', () => {
  const dimension = 60_000
  const query = queryOf(dimension)
  for (const value of [0, 1.2345e-3, -2.5]) {
    const integers = noisedIntegers(
      clippedSum(new Float64Array(dimension).fill(value), query.clipNorm),
      query,
      osRandomStreams(),
    )
    const share = query.grid.step * shareSteps
    const left = integers.map((integer) => (integer * wireStepOf(query.grid) - value) / share)
    const mean = left.reduce((sum, one) => sum + one, 0) / dimension
    const variance = left.reduce((sum, one) => sum + one * one, 0) / dimension
    expect(Math.abs(mean)).toBeLessThan(6 / Math.sqrt(dimension))
    expect(Math.abs(variance - 1)).toBeLessThan(6 * Math.sqrt(2 / dimension))
  }
})

test('R10 noise: the bytes read, and the order they are read in, depend on the plan alone', () => {
  const query = queryOf(5000)
  const readings = [0, 1, -1e12, Number.NaN, Number.POSITIVE_INFINITY].flatMap((value) =>
    [0, 129, 255].map((byte) => {
      const read: [RandomPurpose, number][] = []
      const streams: RandomStreams = (purpose) => ({
        fill(bytes) {
          read.push([purpose, bytes.length])
          bytes.fill(byte)
        },
      })
      noisedIntegers(clippedSum(new Float64Array(query.dimension).fill(value), query.clipNorm), query, streams)
      return JSON.stringify(read)
    }),
  )
  expect(new Set(readings).size).toBe(1)
  expect(readings[0]).toContain('rounding')
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
  for (const other of [Object.assign({}, sum), { sum: sum.sum, sensitivity: sum.sensitivity }, sum.sum])
    expect(() => noisedIntegers(other as never, query, seeded(1))).toThrow(refused)
  expect(noisedIntegers(sum, query, seeded(1))).toHaveLength(10)
  expect(foldedShareOf(query.grid)).toBe(64)
})
