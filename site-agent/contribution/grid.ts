import { uniformDoubles } from '@tributary/shared/dp/uniform'
import type { RandomSource } from '@tributary/shared/ports'

/**
 * floor(x / step + u) in every coordinate, u uniform on [0, 1) from secret bits: unbiased, and for every fixed u two sums end up
 * no further apart than they were, plus one step a coordinate (R13; the plan pays for gamma sqrt(dimension), see dp/slack).
 */
export const roundToGrid = (sum: Float64Array, step: number, bits: RandomSource): Float64Array => {
  const integers = new Float64Array(sum.length)
  uniformDoubles(bits, integers)
  for (let i = 0; i < sum.length; i++) integers[i] = Math.floor(sum[i]! / step + integers[i]!)
  return integers
}

/** Saturates to [-clamp, clamp] in place, before there is noise (R12). What is no number becomes 0, by selection (R14). */
export const saturate = (integers: Float64Array, clamp: number): void => {
  for (let i = 0; i < integers.length; i++) {
    const value = integers[i]!
    integers[i] = value > clamp ? clamp : value < -clamp ? -clamp : value === value ? value : 0
  }
}
