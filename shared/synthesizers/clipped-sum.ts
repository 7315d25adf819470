import type { ClipNorm } from '../units.ts'

/**
 * The sum over units of one vector each, L2 norm at most `sensitivity`: adding or removing one unit moves `sum` by at most
 * `sensitivity`, rounding of floats included. The only thing that may be given noise; made by a synthesizer's own
 * clipped-sum and nowhere else. Opaque to the compiler and while running: no literal, cast or copy passes for one, and the
 * numbers that were vouched for stay: they are kept apart from whatever was handed in and is handed out.
 */
export class ClippedSum {
  readonly #sum: Float64Array
  readonly sensitivity: ClipNorm

  /** Copies `sum`: whoever made it may go on using theirs. */
  constructor(sum: Float64Array, sensitivity: ClipNorm) {
    this.#sum = new Float64Array(sum)
    this.sensitivity = sensitivity
    Object.freeze(this)
  }

  /** A copy at every reading: read it once. It costs a twentieth of the noise that follows. */
  get sum(): Float64Array {
    return this.#sum.slice()
  }

  static isVouched(value: object): value is ClippedSum {
    return #sum in value
  }
}

/** For synthesizers: vouches that `sensitivity` holds for `sum`. */
export const clippedSum = (sum: Float64Array, sensitivity: ClipNorm): ClippedSum => new ClippedSum(sum, sensitivity)

/** For noise: false for what only looks like a clipped sum, whatever its type was cast to. */
export const isClippedSum = (value: object): value is ClippedSum => ClippedSum.isVouched(value)

/**
 * Clip coefficients aim at C (1 - floatSlack), so that the declared C covers float32 rounding: a neighbour's sum differs by
 * the row's own vector, at most C (1 - 2^-10), and by the rounding of both sums, which a synthesizer keeps below C 2^-10.
 */
export const floatSlack = 2 ** -10
