import { count } from '../units.ts'

/**
 * Seeded random numbers for generating cohorts: public and repeatable, never for privacy noise. A value is a pure function
 * of (seed, purpose, row, draw), so that a row does not depend on how rows are batched.
 */
export interface CounterRandom {
  /** Uniform in (0, 1), a multiple of 2^-33. */
  uniform(row: number, draw: number): number
  /** Standard normal (Box and Muller 1958). */
  normal(row: number, draw: number): number
}

/** `seed`: a whole number up to 2^53. `purpose`: 0 to 255, one independent stream each. */
export const counterRandom = (seed: number, purpose: number): CounterRandom => {
  count('the seed', seed)
  const low = seed | 0
  const high = Math.floor(seed / 2 ** 32) | (purpose << 24) | 0
  const words = new Int32Array(2)
  const open = (word: number) => ((word >>> 0) + 0.5) / 2 ** 32
  return {
    uniform(row, draw) {
      threefry2x32(low, high, row, draw, words)
      return open(words[0]!)
    },
    normal(row, draw) {
      threefry2x32(low, high, row, draw, words)
      return Math.sqrt(-2 * Math.log(open(words[0]!))) * Math.cos(2 * Math.PI * open(words[1]!))
    },
  }
}

const rotations = [13, 15, 26, 6, 17, 29, 16, 24] as const

/** Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"); writes two words. */
export const threefry2x32 = (key0: number, key1: number, counter0: number, counter1: number, out: Int32Array): void => {
  const key2 = 0x1bd11bda ^ key0 ^ key1
  let x = (counter0 + key0) | 0
  let y = (counter1 + key1) | 0
  for (let round = 0; round < 20; round++) {
    const turn = rotations[round & 7]!
    x = (x + y) | 0
    y = ((y << turn) | (y >>> (32 - turn))) ^ x
    if ((round & 3) === 3) {
      const injection = (round + 1) >> 2
      const first = injection % 3
      x = (x + (first === 0 ? key0 : first === 1 ? key1 : key2)) | 0
      y = (y + (first === 0 ? key1 : first === 1 ? key2 : key0) + injection) | 0
    }
  }
  out[0] = x
  out[1] = y
}
