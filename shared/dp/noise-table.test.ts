import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exactDiscreteGaussian } from '../../test/harness/exact-discrete-gaussian.ts'
import { agreementOf, cellEdges, countsOf, expectedCounts, fitOf } from '../../test/harness/goodness-of-fit.ts'
import type { RandomSource } from '../ports.ts'
import { addDraws, aliasTable, wordsPerDraw } from './alias-table.ts'
import { drawNoise, noiseTable, shareStepsFor } from './noise-table.ts'
import { osRandomStreams } from './os-random.ts'

const FALSE_ALARM = 1e-6
const random = osRandomStreams()('noise')

const draws = (shareSteps: number, n: number): Float64Array => {
  const out = new Float64Array(n)
  drawNoise(noiseTable(shareSteps), random, out)
  return out
}

describe('the tables', () => {
  /** What an alias table gives each value, from its columns. */
  const lawOf = (numerator: bigint, denominator: bigint): Map<number, number> => {
    const { columnBits, keepHigh, keepLow, own, alias } = aliasTable(numerator, denominator)
    const law = new Map<number, number>()
    for (let i = 0; i < 2 ** columnBits; i++) {
      const keep = ((keepHigh[i] as number) * 2 ** 32 + (keepLow[i] as number)) / 2 ** 80
      const add = (value: number, chance: number) => law.set(value, (law.get(value) ?? 0) + chance / 2 ** columnBits)
      add(own[i] as number, keep)
      add(alias[i] as number, 1 - keep)
    }
    return law
  }

  test.each([
    [256n, 1n],
    [60n, 1n],
    [16380n, 1n],
    [4097n, 16n],
  ])('variance %d / %d: every probability is that of the discrete Gaussian', (numerator, denominator) => {
    const variance = Number(numerator) / Number(denominator)
    const law = lawOf(numerator, denominator)
    const { radius, distance } = aliasTable(numerator, denominator)
    let total = 0
    for (let z = -2 * radius; z <= 2 * radius; z++) total += Math.exp((-z * z) / (2 * variance))
    for (const [z, chance] of law) {
      const ideal = Math.abs(z) <= radius ? Math.exp((-z * z) / (2 * variance)) / total : 0
      expect(Math.abs(chance - ideal)).toBeLessThan(1e-12 * ideal + 1e-19)
    }
    expect(distance).toBeLessThan(2 ** -67)
    // The support is no wider than the promised distance needs.
    expect(radius).toBeLessThan(9.6 * Math.sqrt(variance) + 2)
  })

  test('two levels convolve to the discrete Gaussian of the stated width', () => {
    for (const shareSteps of [64, 80, 448]) {
      const { levels, noiseBound } = noiseTable(shareSteps)
      expect(levels.length).toBe(2)
      const [low, high] = levels as [(typeof levels)[number], (typeof levels)[number]]
      const law = new Float64Array(2 * noiseBound + 1)
      const gaussian = (variance: number, radius: number) => {
        const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
          Math.exp(-((i - radius) ** 2) / (2 * variance)),
        )
        const total = weights.reduce((sum, w) => sum + w, 0)
        return weights.map((w) => w / total)
      }
      const fine = gaussian((2 * high.scale) ** 2, low.table.radius)
      const coarse = gaussian((shareSteps / high.scale) ** 2 - 4, high.table.radius)
      for (const [j, c] of coarse.entries()) {
        const centre = (j - high.table.radius) * high.scale - low.table.radius + noiseBound
        for (const [i, f] of fine.entries()) law[centre + i] = (law[centre + i] as number) + c * f
      }
      const ideal = gaussian(shareSteps ** 2, noiseBound)
      let distance = 0
      for (const [i, p] of ideal.entries()) distance += Math.abs(p - (law[i] as number)) / 2
      expect(distance).toBeLessThan(1e-14)
    }
  })

  test('every supported width is exact, bounded and within 2^-64', () => {
    for (let octave = 6; octave < 40; octave += 3)
      for (const m of [4, 5, 6, 7]) {
        const table = noiseTable((m * 2 ** octave) / 4)
        const variance = table.levels.reduce((sum, { scale }, i) => {
          const last = i === table.levels.length - 1
          return sum + (last ? 0 : (2 * (table.levels[1]?.scale as number) * scale) ** 2)
        }, 0)
        // What is left for the top table must be a real width: at least 7 of its own steps.
        const top = table.levels.at(-1)?.scale as number
        expect(Math.sqrt(table.shareSteps ** 2 - variance) / top).toBeGreaterThan(7)
        expect(table.log2Distance).toBeLessThanOrEqual(-64)
        expect(table.noiseBound).toBeLessThan(12 * table.shareSteps)
        expect(Number.isSafeInteger(table.noiseBound)).toBe(true)
      }
    expect(noiseTable(2 ** 40).log2Distance).toBeLessThanOrEqual(-64)
  })
})

describe('supported widths', () => {
  test('the smallest at or above what is asked, never more than a quarter wider', () => {
    fc.assert(
      fc.property(fc.double({ min: 64, max: 2 ** 40, noNaN: true }), (least) => {
        const width = shareStepsFor(least)
        expect(width).toBeGreaterThanOrEqual(least)
        expect(width).toBeLessThanOrEqual(1.25 * least)
        expect(shareStepsFor(width)).toBe(width)
        if (width < 2 ** 40) expect(shareStepsFor(width * (1 + 2 ** -20))).toBeGreaterThan(width)
      }),
    )
  })
  test('below 64 gives 64 (R13)', () => {
    expect(shareStepsFor(1)).toBe(64)
    expect(shareStepsFor(63.5)).toBe(64)
  })
  test.each([2 ** 40 + 1, Number.NaN, Infinity])('%d is refused', (least) => {
    expect(() => shareStepsFor(least)).toThrow(expect.objectContaining({ code: 'NOISE_REFUSED' }))
  })
  test.each([63, 65, 32, 0, -64, 64.5, Number.NaN, 2 ** 41])('no table of %d', (width) => {
    expect(() => noiseTable(width)).toThrow(expect.objectContaining({ code: 'NOISE_REFUSED' }))
  })
})

describe('the draws', () => {
  test('are whole numbers within the bound, for any bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        fc.constantFrom(64, 96, 8192, 2 ** 20, 2 ** 40),
        (bytes, width) => {
          let at = 0
          const repeated: RandomSource = {
            fill(out) {
              for (let i = 0; i < out.length; i++) out[i] = bytes[at++ % bytes.length] as number
            },
          }
          const table = noiseTable(width)
          const out = new Float64Array(50)
          drawNoise(table, repeated, out)
          for (const z of out) {
            expect(Number.isSafeInteger(z)).toBe(true)
            expect(Math.abs(z)).toBeLessThanOrEqual(table.noiseBound)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test('read a number of bytes that depends on the length alone', () => {
    const read = (byte: number, length: number): number => {
      let total = 0
      const counted: RandomSource = {
        fill(out) {
          total += out.length
          out.fill(byte)
        },
      }
      drawNoise(noiseTable(64), counted, new Float64Array(length))
      return total
    }
    for (const length of [1, 1000, 3000]) for (const byte of [0, 127, 255]) expect(read(byte, length)).toBe(24 * length)
  })

  test('do the same reads of the table whatever is drawn', () => {
    const table = aliasTable(4n * 64n, 1n)
    const reads = (word: (i: number) => number): number[] => {
      const counts = [0, 0, 0, 0]
      const counted = <T extends Float64Array | Uint32Array | Int32Array>(array: T, which: number): T =>
        new Proxy(array, {
          get: (target, key) => {
            counts[which]! += 1
            return target[key as unknown as number]
          },
        }) as T
      const { keepHigh, keepLow, own, alias } = table
      const watched = {
        ...table,
        keepHigh: counted(keepHigh, 0),
        keepLow: counted(keepLow, 1),
        own: counted(own, 2),
        alias: counted(alias, 3),
      }
      const n = 500
      addDraws(
        watched,
        Uint32Array.from({ length: n * wordsPerDraw }, (_, i) => word(i)),
        8,
        new Float64Array(n),
        0,
        n,
      )
      return counts
    }
    for (const word of [() => 0, () => 0xffffffff, (i: number) => i * 2654435761, (i: number) => (i % 3) * 0x7fffffff])
      expect(reads(word)).toEqual([500, 500, 500, 500])
  })

  test.each([64, 112, 8192, 2 ** 17, 1.25 * 2 ** 18, 2 ** 21])(
    `width %d: fits at a false-alarm rate of 1e-6; 4 % off is rejected`,
    (width) => {
      const n = 200_000
      const edges = cellEdges(width, 40)
      const counts = countsOf(draws(width, n), edges)
      expect(fitOf(counts, expectedCounts(width, edges, n))).toBeGreaterThan(FALSE_ALARM)
      expect(fitOf(counts, expectedCounts(width * 1.04, edges, n))).toBeLessThan(FALSE_ALARM)
      expect(fitOf(counts, expectedCounts(width * 0.96, edges, n))).toBeLessThan(FALSE_ALARM)
    },
  )

  test('no lattice shows: residues are uniform, and would not be with the fine level missing', () => {
    for (const width of [64, 8192, 2 ** 21]) {
      const modulus = 16
      const residues = (values: Float64Array, scale = 1) => {
        const counts = new Float64Array(modulus)
        for (const z of values) {
          const r = (((z * scale) % modulus) + modulus) % modulus
          counts[r] = (counts[r] as number) + 1
        }
        return counts
      }
      const values = draws(width, 100_000)
      const uniform = new Float64Array(modulus).fill(100_000 / modulus)
      expect(fitOf(residues(values), uniform)).toBeGreaterThan(FALSE_ALARM)
      expect(fitOf(residues(values, 2), uniform)).toBeLessThan(FALSE_ALARM)
    }
  })

  test('agree with the exact sampler of Canonne, Kamath and Steinke', () => {
    const n = 4000
    const oracle = exactDiscreteGaussian(random, 64n ** 2n)
    const exact = Float64Array.from({ length: n }, () => Number(oracle.draw()))
    const edges = cellEdges(64, 24)
    expect(fitOf(countsOf(exact, edges), expectedCounts(64, edges, n))).toBeGreaterThan(FALSE_ALARM)
    expect(agreementOf(countsOf(draws(64, n), edges), countsOf(exact, edges))).toBeGreaterThan(FALSE_ALARM)
    expect(agreementOf(countsOf(draws(80, n), edges), countsOf(exact, edges))).toBeLessThan(FALSE_ALARM)
  })
})
