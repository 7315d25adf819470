import type { RandomSource } from '@tributary/shared/ports'

/**
 * The discrete Gaussian of Canonne, Kamath and Steinke (2020), algorithms 1 to 3: rational arithmetic on big integers only, no
 * approximation anywhere. The oracle of the table sampler; some 100,000 draws a second at small widths.
 */
export interface ExactSampler {
  /** One draw with P(z) proportional to e^(-z^2 / 2 variance). */
  draw(): bigint
}

export const exactDiscreteGaussian = (random: RandomSource, variance: bigint): ExactSampler => {
  /** Uniform on 0 .. below - 1, by rejection. */
  const uniform = (below: bigint): bigint => {
    const bits = below.toString(2).length
    const bytes = new Uint8Array(Math.ceil(bits / 8))
    for (;;) {
      random.fill(bytes)
      let value = 0n
      for (const byte of bytes) value = (value << 8n) | BigInt(byte)
      value >>= BigInt(8 * bytes.length - bits)
      if (value < below) return value
    }
  }
  const bernoulli = (numerator: bigint, denominator: bigint): boolean => uniform(denominator) < numerator

  /** Algorithm 1: true with probability e^(-numerator / denominator). */
  const bernoulliExp = (numerator: bigint, denominator: bigint): boolean => {
    for (let rest = numerator; rest > denominator; rest -= denominator) if (!bernoulliExp(1n, 1n)) return false
    const part = numerator > denominator ? numerator - ((numerator - 1n) / denominator) * denominator : numerator
    let k = 1n
    while (bernoulli(part, denominator * k)) k++
    return k % 2n === 1n
  }

  /** Algorithm 2: P(z) proportional to e^(-|z| / scale). */
  const laplace = (scale: bigint): bigint => {
    for (;;) {
      const fine = uniform(scale)
      if (!bernoulliExp(fine, scale)) continue
      let coarse = 0n
      while (bernoulliExp(1n, 1n)) coarse++
      const value = fine + scale * coarse
      const negative = bernoulli(1n, 2n)
      if (negative && value === 0n) continue
      return negative ? -value : value
    }
  }

  const scale = BigInt(Math.floor(Math.sqrt(Number(variance)))) + 1n
  return {
    draw() {
      for (;;) {
        const value = laplace(scale)
        const size = value < 0n ? -value : value
        const off = size * scale - variance
        if (bernoulliExp(off * off, 2n * variance * scale * scale)) return value
      }
    },
  }
}
