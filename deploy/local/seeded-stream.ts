/**
 * A seeded stream of numbers for simulated patients: xoshiro128** (Blackman and Vigna, 2018) started by splitmix32. Repeatable
 * by design, so never for coins, noise or keys; nothing under deploy/ can reach those.
 */
export class SeededStream {
  readonly #state: Uint32Array

  constructor(seed: number) {
    let mixed = seed >>> 0
    this.#state = Uint32Array.from({ length: 4 }, () => {
      mixed = (mixed + 0x9e3779b9) >>> 0
      let word = mixed
      word = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
      word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
      return (word ^ (word >>> 16)) >>> 0
    })
  }

  /** Uniform in [0, 1), 32 bits. */
  uniform(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#state
    const scrambled = Math.imul(b, 5)
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0
    const thirdXor = c ^ a
    const fourthXor = d ^ b
    this.#state[0] = a ^ fourthXor
    this.#state[1] = b ^ thirdXor
    this.#state[2] = thirdXor ^ (b << 9)
    this.#state[3] = (fourthXor << 11) | (fourthXor >>> 21)
    return result / 2 ** 32
  }

  /** True with probability `p`. */
  coin(p: number): boolean {
    return this.uniform() < p
  }

  /** Index drawn in proportion to `weights` (non-negative, not all zero). */
  pick(weights: readonly number[]): number {
    let left = this.uniform() * weights.reduce((sum, weight) => sum + weight, 0)
    for (const [index, weight] of weights.entries()) {
      left -= weight
      if (left < 0) return index
    }
    return weights.findLastIndex((weight) => weight > 0)
  }

  /** Normal deviate (Box and Muller, 1958), mean 0, deviation 1. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform())
  }
}
