import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chiSquareTail } from '../../test/harness/goodness-of-fit.ts'
import type { RandomSource } from '../ports.ts'
import { type SamplingRate, samplingRate } from '../units.ts'
import { osRandomStreams } from './os-random.ts'
import { bernoulliMask, uniformDoubles } from './uniform.ts'

/** A source whose 53-bit integers are `values`, in turn. */
const scripted = (values: readonly bigint[]): RandomSource => {
  let at = 0
  return {
    fill(bytes) {
      const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
      for (let i = 0; i < words.length; i += 2) {
        const value = values[at++ % values.length] as bigint
        words[i] = Number(value >> 26n) * 32 + 17
        words[i + 1] = Number(value & 0x3ffffffn) * 64 + 33
      }
    },
  }
}

describe('coins', () => {
  test('turn exactly at the rate, to one part in 2^53', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -52, max: 1, noNaN: true }), (rate) => {
        const bound = BigInt(Math.floor(rate * 2 ** 53))
        const out = new Uint8Array(3)
        bernoulliMask(scripted([bound - 1n, bound === 2n ** 53n ? 0n : bound, 0n]), samplingRate(rate), out)
        expect([...out]).toEqual([1, bound === 2n ** 53n ? 1 : 0, 1])
      }),
    )
  })

  test('rate 1 takes everyone, whatever the bytes', () => {
    const out = new Uint8Array(5000)
    bernoulliMask({ fill: (bytes) => bytes.fill(255) }, samplingRate(1), out)
    expect(out.every((coin) => coin === 1)).toBe(true)
  })

  test('come at the rate and independently of their neighbours; 6 % off is rejected (false alarms 1e-6)', () => {
    const n = 400_000
    const rate = 0.05
    const out = new Uint8Array(n)
    bernoulliMask(osRandomStreams()('sampling'), samplingRate(rate), out)
    const chance = (hits: number, trials: number, p: number) =>
      chiSquareTail((hits - trials * p) ** 2 / (trials * p * (1 - p)), 1)
    const hits = out.reduce((sum, coin) => sum + coin, 0)
    expect(chance(hits, n, rate)).toBeGreaterThan(1e-6)
    expect(chance(hits, n, rate * 1.06)).toBeLessThan(1e-6)
    let pairs = 0
    for (let i = 1; i < n; i += 2) pairs += (out[i] as number) & (out[i - 1] as number)
    expect(chance(pairs, n / 2, rate * rate)).toBeGreaterThan(1e-6)
    expect(chance(pairs, n / 2, rate)).toBeLessThan(1e-6)
  })

  test.each([0, -0.1, 1.01, Number.NaN])('rate %d is refused', (rate) => {
    expect(() => bernoulliMask(scripted([0n]), rate as SamplingRate, new Uint8Array(1))).toThrow(
      expect.objectContaining({ code: 'UNIT_OUT_OF_RANGE' }),
    )
  })
})

describe('uniform doubles', () => {
  test('are the 53-bit integers over 2^53', () => {
    const values = [0n, 1n, 2n ** 52n, 2n ** 53n - 1n, 123456789012345n]
    const out = new Float64Array(values.length)
    uniformDoubles(scripted(values), out)
    expect([...out]).toEqual(values.map((value) => Number(value) / 2 ** 53))
  })

  test('fill evenly', () => {
    const out = new Float64Array(100_000)
    uniformDoubles(osRandomStreams()('rounding'), out)
    const counts = new Float64Array(50)
    for (const u of out) counts[Math.floor(u * 50)] = (counts[Math.floor(u * 50)] as number) + 1
    const statistic = counts.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0)
    expect(chiSquareTail(statistic, 49)).toBeGreaterThan(1e-6)
  })
})
