import { uniformDoubles } from '@tributary/shared/dp/uniform'
import type { RandomSource } from '@tributary/shared/ports'

/**
 * floor(x / step + u) in every coordinate, u uniform on [0, 1) from secret bits: unbiased, and for every fixed u two sums end up
 * no further apart than they were, plus one step a coordinate (R13; the plan pays for gamma sqrt(dimension), see dp/slack). The
 * fraction is compared with 1 - u rather than added to u, which loses no digit of u, and is exact but for a quotient in (-1/2,
 * 0), which it moves by at most 2^-54. The quotient's own rounding: docs/privacy.md, "Slack".
 */
export const roundToGrid = (sum: Float64Array, step: number, bits: RandomSource): Float64Array => {
  const integers = new Float64Array(sum.length)
  uniformDoubles(bits, integers)
  for (let i = 0; i < sum.length; i++) {
    const value = sum[i]! / step
    const whole = Math.floor(value)
    integers[i] = whole + Number(value - whole >= 1 - integers[i]!)
  }
  return integers
}

/** Saturates to [-clamp, clamp] in place, before there is noise (R12). What is no number becomes 0, by selection (R14). */
export const saturate = (integers: Float64Array, clamp: number): void => {
  for (let i = 0; i < integers.length; i++) {
    const value = integers[i]!
    integers[i] = value > clamp ? clamp : value < -clamp ? -clamp : value === value ? value : 0
  }
}

/**
 * Folds in place to a grid 2^foldBits times coarser, floor(x / 2^foldBits + 1/2): after the noise, without regard to size, so
 * post-processing of the noised sum (see dp/fold). Exact for |x| < 2^52.
 */
export const fold = (integers: Float64Array, foldBits: number): void => {
  const width = 2 ** foldBits
  for (let i = 0; i < integers.length; i++) integers[i] = Math.floor(integers[i]! / width + 0.5)
}
