import type { RandomSource } from '../ports.ts'
import { type SamplingRate, samplingRate } from '../units.ts'

const BATCH = 2048
const TWO_53 = 2 ** 53

/** Calls `take(i, k)` for i < length with k uniform on the integers below 2^53; 8 random bytes each. */
const each53 = (random: RandomSource, length: number, take: (index: number, value: number) => void): void => {
  const words = new Uint32Array(2 * BATCH)
  for (let first = 0; first < length; first += BATCH) {
    const n = Math.min(BATCH, length - first)
    random.fill(new Uint8Array(words.buffer, 0, 8 * n))
    for (let i = 0; i < n; i++)
      take(first + i, ((words[2 * i] as number) >>> 5) * 0x4000000 + ((words[2 * i + 1] as number) >>> 6))
  }
  words.fill(0)
}

/** Fills `out` with independent multiples of 2^-53, uniform on [0, 1). */
export const uniformDoubles = (random: RandomSource, out: Float64Array): void =>
  each53(random, out.length, (i, value) => {
    out[i] = value / TWO_53
  })

/**
 * Poisson sampling: out[i] = 1 with probability `rate`, independently of everything, else 0. A 53-bit integer is compared with
 * floor(rate 2^53), so the probability is the rate itself, or less than 2^-53 below it: never above what is accounted. Work
 * and bytes read depend on the length alone. Throws `UNIT_OUT_OF_RANGE`.
 */
export const bernoulliMask = (random: RandomSource, rate: SamplingRate, out: Uint8Array): void => {
  const bound = Math.floor(samplingRate(rate) * TWO_53)
  each53(random, out.length, (i, value) => {
    out[i] = Number(value < bound)
  })
}
