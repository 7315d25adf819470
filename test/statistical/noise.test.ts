import { drawNoise, noiseTable, shareStepsFor } from '@tributary/shared/dp/noise-table'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { describe, expect, test } from 'vitest'
import { exactDiscreteGaussian } from '../harness/exact-discrete-gaussian.ts'
import { agreementOf, cellEdges, countsOf, expectedCounts, fitOf } from '../harness/goodness-of-fit.ts'

/**
 * Each acceptance has a false-alarm rate of 1e-6, so the whole file fails a correct sampler about once in 30,000 runs; each is
 * paired with a law so slightly wrong that the same numbers must reject it.
 */
const FALSE_ALARM = 1e-6
const DRAWS = 4_000_000
const CHUNK = 500_000

const random = osRandomStreams()('noise')

const sampleCounts = (width: number, edges: Float64Array, n: number): Float64Array => {
  const counts = new Float64Array(edges.length + 1)
  const out = new Float64Array(Math.min(n, CHUNK))
  for (let done = 0; done < n; done += out.length) {
    drawNoise(noiseTable(width), random, out)
    for (const [i, count] of countsOf(out, edges).entries()) counts[i] = (counts[i] as number) + count
  }
  return counts
}

describe('chi-square against the exact law, four million draws', () => {
  test.each([
    64,
    80,
    96,
    448,
    8192,
    2 ** 14,
    2 ** 17,
    1.25 * 2 ** 18,
    1.75 * 2 ** 18,
    1.75 * 2 ** 20,
    2 ** 30,
    2 ** 40,
  ])('width %d fits; 1 % wider or narrower is rejected', (width) => {
    const edges = cellEdges(width, 60)
    const counts = sampleCounts(width, edges, DRAWS)
    expect(fitOf(counts, expectedCounts(width, edges, DRAWS))).toBeGreaterThan(FALSE_ALARM)
    expect(fitOf(counts, expectedCounts(width * 1.01, edges, DRAWS))).toBeLessThan(FALSE_ALARM)
    expect(fitOf(counts, expectedCounts(width * 0.99, edges, DRAWS))).toBeLessThan(FALSE_ALARM)
  })

  test('the tails: beyond four deviations as often as the law says, not twice as often', () => {
    const width = 64
    const edges = Float64Array.of(-4 * width - 0.5, 4 * width + 0.5)
    const counts = sampleCounts(width, edges, 4 * DRAWS)
    const expected = expectedCounts(width, edges, 4 * DRAWS)
    expect(fitOf(counts, expected)).toBeGreaterThan(FALSE_ALARM)
    const [low, middle, high] = expected as unknown as [number, number, number]
    expect(fitOf(counts, [2 * low, middle - low - high, 2 * high])).toBeLessThan(FALSE_ALARM)
  })
})

describe('every single value near the centre', () => {
  test('width 64: 129 neighbouring integers have their own probabilities, a shift by one is rejected', () => {
    const edges = Float64Array.from({ length: 130 }, (_, i) => i - 64.5)
    const counts = sampleCounts(64, edges, DRAWS)
    expect(fitOf(counts, expectedCounts(64, edges, DRAWS))).toBeGreaterThan(FALSE_ALARM)
    const shifted = expectedCounts(
      64,
      edges.map((edge) => edge + 1),
      DRAWS,
    )
    expect(fitOf(counts, shifted)).toBeLessThan(FALSE_ALARM)
  })
})

describe('neighbouring draws', () => {
  test('are uncorrelated; a stream read twice would not be', () => {
    const out = new Float64Array(CHUNK)
    drawNoise(noiseTable(64), random, out)
    const correlation = (lag: number, values: Float64Array): number => {
      let sum = 0
      for (let i = lag; i < values.length; i++) sum += (values[i] as number) * (values[i - lag] as number)
      return sum / (64 * 64 * Math.sqrt(values.length - lag))
    }
    // A standard normal beyond 5.3 in 1e-7 of cases, eight lags.
    for (const lag of [1, 2, 3, 4, 1023, 1024, 1025, 2048]) expect(Math.abs(correlation(lag, out))).toBeLessThan(5.4)
    const repeated = out.map((_, i) => out[i - (i % 2)] as number)
    expect(Math.abs(correlation(1, repeated))).toBeGreaterThan(5.4)
  })
})

describe('the exact sampler as oracle', () => {
  // The narrowest, and the widths of the fine grids that plans use.
  test.each([64, 2 ** 17, 1.25 * 2 ** 18, 1.75 * 2 ** 18, 2 ** 20])(
    '60,000 exact draws of width %d agree with the tables; a width 8 % off does not',
    (width) => {
      const n = 60_000
      const oracle = exactDiscreteGaussian(random, BigInt(width) ** 2n)
      const edges = cellEdges(width, 40)
      const exact = countsOf(
        Float64Array.from({ length: n }, () => Number(oracle.draw())),
        edges,
      )
      expect(fitOf(exact, expectedCounts(width, edges, n))).toBeGreaterThan(FALSE_ALARM)
      expect(agreementOf(sampleCounts(width, edges, DRAWS), exact)).toBeGreaterThan(FALSE_ALARM)
      expect(fitOf(exact, expectedCounts(width * 1.08, edges, n))).toBeLessThan(FALSE_ALARM)
      expect(agreementOf(sampleCounts(shareStepsFor(1.1 * width), edges, DRAWS), exact)).toBeLessThan(FALSE_ALARM)
    },
  )
})
