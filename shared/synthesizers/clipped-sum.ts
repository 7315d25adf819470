import type { ClipNorm } from '../units.ts'

declare const sealed: unique symbol

/**
 * The sum over units of one vector each, L2 norm at most `sensitivity`: adding or removing one unit moves `sum` by at most
 * `sensitivity`, rounding of floats included. The only thing that may be given noise; made by a synthesizer's own
 * clipped-sum and nowhere else.
 */
export interface ClippedSum {
  readonly sum: Float64Array
  readonly sensitivity: ClipNorm
  readonly [sealed]: true
}

/** For synthesizers: vouches that `sensitivity` holds for `sum`. */
export const clippedSum = (sum: Float64Array, sensitivity: ClipNorm): ClippedSum =>
  Object.freeze({ sum, sensitivity }) as ClippedSum

/**
 * Clip coefficients aim at C (1 - floatSlack), so that the declared C covers float32 rounding: a neighbour's sum differs by
 * the row's own vector, at most C (1 - 2^-10), and by the rounding of both sums, which a synthesizer keeps below C 2^-10.
 */
export const floatSlack = 2 ** -10
