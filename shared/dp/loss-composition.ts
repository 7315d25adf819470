import { conversion, type Direction } from './cumulant.ts'
import { realFft } from './fft.ts'
import type { LossGrid } from './loss-grid.ts'
import { logSumExp } from './special.ts'

/** The part of the composed loss that one transform represents. */
export interface Window {
  readonly low: number
  readonly high: number
  /** Tilt of the composed distribution: its mean lies near the epsilon sought. */
  readonly tilt: number
  /** Tilt that bounds the mass above `high` by e^logTailMass. */
  readonly tailTilt: number
  readonly logTailMass: number
  /** First guess of epsilon, at least 0. */
  readonly reference: number
}

export interface Solution {
  readonly epsilon: number
  /** -d log delta / d epsilon there. */
  readonly slope: number
}

/** Phases on one grid, to be composed in one direction. */
export interface Composition {
  readonly grids: readonly { readonly grid: LossGrid; readonly steps: number }[]
  readonly interval: number
  readonly direction: Direction
  /** Probability charged as an infinite loss. */
  readonly outside: number
  /** The delta promised, less the share kept for rounding. */
  readonly delta: number
}

/** One step's atoms in one direction, tilted: mass e^(tilt loss - logMoment), by rising removal loss; their sum is 1. */
const tilted = (grid: LossGrid, direction: Direction, tilt: number) => {
  const sign = direction === 'remove' ? 1 : -1
  const mass = grid.mass[direction]
  const weights = new Float64Array(mass.length)
  for (let i = 0; i < mass.length; i++)
    weights[i] = Math.log(mass[i] as number) + sign * tilt * (grid.first + i) * grid.interval
  const logMoment = logSumExp(weights)
  return { weights, logMoment }
}

/** Index of the largest loss of one step. */
const lastPoint = (grid: LossGrid, direction: Direction): number =>
  direction === 'remove' ? grid.first + grid.mass.remove.length - 1 : -grid.first

/** log of an upper bound of the mass at or above `level`: K(tilt) - tilt level, with K taken from the very grids composed. */
const logTail = ({ grids, direction }: Composition, tilt: number, level: number): number => {
  let exponent = -tilt * level
  for (const { grid, steps } of grids) exponent += steps * tilted(grid, direction, tilt).logMoment
  return exponent
}

/** Whether Chernoff's bound alone shows delta(epsilon) <= delta in this direction. */
export const isCovered = (composition: Composition, tilt: number, epsilon: number): boolean =>
  composition.outside + Math.exp(logTail(composition, tilt, epsilon) + conversion(tilt)) <= composition.delta

/**
 * Least epsilon >= 0 with delta(epsilon) <= delta for the composed grids. The transform is taken of the tilted atoms, so its
 * rounding error is relative to delta, not to 1. Mass above the window is charged as an infinite loss; mass below it reappears
 * at the top (the transform is circular), where it only raises the result.
 */
export const solve = (composition: Composition, window: Window): Solution => {
  const { grids, interval, direction } = composition
  const { tilt, tailTilt, reference } = window
  // No loss lies above `last`; the bound of the mass above `top` is that of these very grids.
  const last = grids.reduce((sum, { grid, steps }) => sum + steps * lastPoint(grid, direction), 0)
  const tailMoment = logTail(composition, tailTilt, 0)
  const enough = Math.ceil((tailMoment - window.logTailMass) / (tailTilt * interval))
  const top = Math.min(last, Math.max(Math.ceil(window.high / interval), enough))
  const tail = top === last ? 0 : Math.exp(tailMoment - tailTilt * (top + 1) * interval)
  let length = 4
  while (length < top - Math.floor(window.low / interval) + 2) length *= 2
  const mask = length - 1
  const fft = realFft(length)
  const signal = new Float64Array(length)
  const half = length / 2
  const [re, im] = [new Float64Array(half + 1), new Float64Array(half + 1)]
  const [productRe, productIm] = [new Float64Array(half + 1).fill(1), new Float64Array(half + 1)]
  let logMoment = 0
  let totalSteps = 0
  for (const { grid, steps } of grids) {
    const { weights, logMoment: one } = tilted(grid, direction, tilt)
    logMoment += steps * one
    totalSteps += steps
    signal.fill(0)
    for (let i = 0; i < weights.length; i++) {
      const index = (direction === 'remove' ? grid.first + i : -(grid.first + i)) & mask
      signal[index] = (signal[index] as number) + Math.exp((weights[i] as number) - one)
    }
    fft.forward(signal, re, im)
    multiplyPower(productRe, productIm, re, im, steps)
  }
  fft.inverse(productRe, productIm, signal)

  // delta(e) = scale * (a - b), a = sum of g e^(-tilt (y - reference)) over y > e, b the same sum with e^(e - y) besides.
  const scale = Math.exp(logMoment - tilt * reference)
  const rounding = totalSteps * Math.log2(length) * Number.EPSILON
  const budget = (composition.delta - composition.outside - tail) / scale
  if (!(budget > 0)) return { epsilon: Infinity, slope: 0 }
  let a = 0
  let b = 0
  let factor = 0
  const [down, up] = [Math.exp(-interval), Math.exp(tilt * interval)]
  for (let point = top; point > top - length; point--) {
    const y = point * interval
    if ((top - point) % 64 === 0) factor = Math.exp(-tilt * (y - reference))
    const mass = signal[point & mask] as number
    if (mass > 0) {
      a += mass * factor
      b += mass * factor
    }
    b *= down
    factor *= up
    // Rounding errors at y weigh as much as the atoms there.
    const room = budget - rounding * Math.max(1, factor)
    if (!(a - b <= room)) {
      const epsilon = y - interval + Math.log((a - room) / b)
      return { epsilon: Math.max(0, epsilon <= y ? epsilon : y), slope: Math.max(0, (a - room) / room) }
    }
    if (y <= interval) return { epsilon: 0, slope: b / room }
  }
  return { epsilon: Math.max(0, (top - length) * interval), slope: 0 }
}

/** A frequency below this has no part in the sum: 2^20 of them stay below the rounding of 1. */
const NEGLIGIBLE = -70

/** product *= spectrum^power, by binary powers. */
const multiplyPower = (
  productRe: Float64Array,
  productIm: Float64Array,
  re: Float64Array,
  im: Float64Array,
  power: number,
) => {
  const leastSquare = Math.exp((2 * NEGLIGIBLE) / power)
  for (let k = 0; k < re.length; k++) {
    let xr = re[k] as number
    let xi = im[k] as number
    let pr = productRe[k] as number
    let pi = productIm[k] as number
    if ((pr === 0 && pi === 0) || xr * xr + xi * xi < leastSquare) {
      productRe[k] = 0
      productIm[k] = 0
      continue
    }
    for (let left = power; ; ) {
      if (left % 2 === 1) {
        const r = pr * xr - pi * xi
        pi = pr * xi + pi * xr
        pr = r
      }
      left = Math.floor(left / 2)
      if (left === 0) break
      const r = xr * xr - xi * xi
      xi = 2 * xr * xi
      xr = r
    }
    productRe[k] = pr
    productIm[k] = pi
  }
}
