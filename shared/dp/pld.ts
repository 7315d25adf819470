import type { Delta } from '../units.ts'
import { conversion, cumulants, type Direction, saddle, tiltedRange, upperQuantile } from './cumulant.ts'
import { realFft } from './fft.ts'
import { type LossGrid, lossGrid } from './loss-grid.ts'
import { lossMixture, supportOf } from './loss-mixture.ts'
import { isUnbounded, mergePhases, type Phase } from './phase.ts'
import { logSumExp } from './special.ts'

/** Share of delta that each kind of truncation may use; all of it is charged. */
const TRUNCATION = 1e-8
/** Share of delta kept back for relative rounding errors of quadrature and summation (below 1e-13 a step, 1e5 steps). */
const ROUNDING = 1e-6
const MOST_CELLS = 1 << 20
const MOST_POINTS = 1 << 21

/** Error of epsilon that the grid aims at when nothing asks for less. */
const widest = (epsilon: number): number => Math.max(Math.min(Math.max(1e-4 * epsilon, 3e-5), 2e-4), 4e-6 * epsilon)

/** Largest amount by which `epsilonPld` may exceed the true epsilon near `epsilon`: five times what the grid aims at. */
export const gridTolerance = (epsilon: number): number => 5 * widest(epsilon)

/** The part of the composed loss that one transform represents. */
interface Window {
  readonly low: number
  readonly high: number
  /** Tilt of the composed distribution: its mean lies near the epsilon sought. */
  readonly tilt: number
  /** Tilt that bounds the mass above `high`. */
  readonly tailTilt: number
  /** First guess of epsilon, at least 0. */
  readonly reference: number
}

interface Solution {
  readonly epsilon: number
  /** -d log delta / d epsilon there. */
  readonly slope: number
}

interface Plan {
  readonly direction: Direction
  readonly window: Window
}

interface Composition {
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

/** log of an upper bound of the mass above `level`: K(tilt) - tilt level, with K taken from the very grids composed. */
const logTail = ({ grids, direction }: Composition, tilt: number, level: number): number => {
  let exponent = -tilt * level
  for (const { grid, steps } of grids) exponent += steps * tilted(grid, direction, tilt).logMoment
  return exponent
}

/** Whether Chernoff's bound alone shows delta(epsilon) <= delta in this direction. */
const isCovered = (composition: Composition, tilt: number, epsilon: number): boolean =>
  composition.outside + Math.exp(logTail(composition, tilt, epsilon) + conversion(tilt)) <= composition.delta

/**
 * Least epsilon >= 0 with delta(epsilon) <= delta for the composed grids. The transform is taken of the tilted atoms, so its
 * rounding error is relative to delta, not to 1. Mass above the window is charged as an infinite loss; mass below it reappears
 * at the top (the transform is circular), where it only raises the result.
 */
const solve = (composition: Composition, window: Window): Solution => {
  const { grids, interval, direction } = composition
  const { tilt, reference } = window
  const top = Math.ceil(window.high / interval)
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

  // delta(e) = scale * (a - b z), a = sum g e^(-tilt (y - ref)), b = sum g e^(-(tilt + 1) (y - ref)), z = e^(e - ref), y > e.
  const scale = Math.exp(logMoment - tilt * reference)
  const rounding = totalSteps * Math.log2(length) * Number.EPSILON
  const tail = Math.exp(logTail(composition, window.tailTilt, top * interval))
  const budget = (composition.delta - composition.outside - tail) / scale
  if (!(budget > 0)) return { epsilon: Infinity, slope: 0 }
  let a = 0
  let b = 0
  let z = 0
  let factor = 0
  const [down, up] = [Math.exp(-interval), Math.exp(tilt * interval)]
  for (let point = top; point > top - length; point--) {
    const y = point * interval
    if ((top - point) % 64 === 0) {
      z = Math.exp(y - reference)
      factor = Math.exp(-tilt * (y - reference))
    }
    const mass = signal[point & mask] as number
    if (mass > 0) {
      a += mass * factor
      b += (mass * factor) / z
    }
    z *= down
    factor *= up
    // Rounding errors at y weigh as much as the atoms there.
    const room = budget - rounding * Math.max(1, factor)
    if (!(a - z * b <= room)) {
      const epsilon = reference + Math.log((a - room) / b)
      return { epsilon: Math.max(0, epsilon <= y ? epsilon : y), slope: Math.max(0, (a - room) / room) }
    }
    if (y <= interval) return { epsilon: 0, slope: (b * Math.exp(-reference)) / room }
  }
  return { epsilon: Math.max(0, (top - length) * interval), slope: 0 }
}

/** product *= spectrum^power, by binary powers. */
const multiplyPower = (
  productRe: Float64Array,
  productIm: Float64Array,
  re: Float64Array,
  im: Float64Array,
  power: number,
) => {
  for (let k = 0; k < re.length; k++) {
    let xr = re[k] as number
    let xi = im[k] as number
    let pr = productRe[k] as number
    let pi = productIm[k] as number
    for (let left = power; ; ) {
      if (left % 2 === 1) {
        const r = pr * xr - pi * xi
        pi = pr * xi + pi * xr
        pr = r
      }
      left = Math.floor(left / 2)
      // Below 1e-150 squared nothing is left of this frequency.
      if (left === 0 || Math.abs(xr) + Math.abs(xi) < 1e-150) break
      const r = xr * xr - xi * xi
      xi = 2 * xr * xi
      xr = r
    }
    if (Math.abs(xr) + Math.abs(xi) < 1e-150) {
      pr = 0
      pi = 0
    }
    productRe[k] = pr
    productIm[k] = pi
  }
}

const directions: readonly Direction[] = ['remove', 'add']

/**
 * Upper bound of the epsilon that holds at `delta` for the phases together, whatever their order; the larger of removal and
 * addition of one unit. 0 for no phases, Infinity at delta = 0.
 *
 * Privacy loss distributions by connect-the-dots, composed by fast Fourier transform of exponentially tilted atoms (Koskela et
 * al. 2020; Gopi, Lee and Wutschitz 2021). Every truncation is charged to delta. Never below the true epsilon; above it by
 * about 1e-4 relative, at most 2e-4 (4e-6 relative beyond epsilon 50), and by no more than 4e-5 of noise multiplier is worth;
 * by more only where the caps on the grid bind. `coarseness` multiplies that tolerance: a quicker, looser bound. Cost: one
 * transform forth a phase and one back, of at most 2^21 points. Throws `UNIT_OUT_OF_RANGE`.
 */
export const epsilonPld = (phases: readonly Phase[], delta: Delta, coarseness = 1): number => {
  const merged = mergePhases(phases)
  if (merged.length === 0) return 0
  if (isUnbounded(merged, delta)) return Infinity
  const totalSteps = merged.reduce((sum, { steps }) => sum + steps, 0)
  const largestSigma = Math.max(...merged.map(({ sigma }) => sigma))
  const tolerance = (epsilon: number): number =>
    coarseness * Math.min(widest(epsilon), Math.max(1e-6, (4e-5 * epsilon) / largestSigma))
  const mass = (TRUNCATION * delta) / totalSteps
  const steps = merged.map((phase) => {
    const mixture = lossMixture(phase)
    const support = supportOf(mixture, mass)
    return { mixture, support, steps: phase.steps }
  })
  const k = cumulants(steps, mass)
  const logMass = Math.log(TRUNCATION * delta)
  const plans = directions.map((direction): Plan => {
    const { tilt, epsilon } = saddle(k[direction], Math.log(delta))
    const { tilt: tailTilt, level } = upperQuantile(k[direction], logMass)
    const [low, tiltedHigh] = tiltedRange(k[direction], tilt, Math.log(TRUNCATION))
    const high = Math.max(level, tiltedHigh)
    return { direction, window: { low, high, tilt, tailTilt, reference: Math.max(0, epsilon) } }
  })
  plans.sort((one, other) => other.window.reference - one.window.reference)

  const ranges = steps.map(({ mixture, support }) => mixture.loss(support[1]) - mixture.loss(support[0]))
  // Splitting a cell adds at most h^2 / 4 to a step's variance, which moves epsilon by T h^2 (slope + 1) / 8 at most.
  const intervalFor = ({ low, high }: Window, { epsilon, slope }: Solution): number =>
    Math.max(
      Math.min(Math.sqrt((8 * tolerance(epsilon)) / (totalSteps * (slope + 1))), Math.max(...ranges) / 256),
      Math.max(...ranges) / MOST_CELLS,
      (high - low) / (MOST_POINTS - 4),
    )
  const compose = (direction: Direction, interval: number): Composition => {
    const grids = steps.map(({ mixture, support, steps: repeats }) => ({
      grid: lossGrid(mixture, support, interval),
      steps: repeats,
    }))
    const outside = grids.reduce((sum, { grid, steps: repeats }) => sum + repeats * grid.outside, 0)
    return { grids, interval, direction, outside, delta: delta * (1 - ROUNDING) }
  }
  let composition: Composition | undefined
  let largest = 0
  for (const { direction, window } of plans) {
    if (composition && isCovered({ ...composition, direction }, window.tilt, largest)) continue
    // Chernoff's tilt guesses the slope; where the true slope asks for a finer grid, a second pass uses it.
    let guess: Solution = { epsilon: window.reference, slope: window.tilt }
    let solution: Solution = guess
    for (let pass = 0; pass < 2; pass++) {
      const interval = intervalFor(window, guess)
      if (pass > 0 && composition && interval > 0.4 * composition.interval) break
      composition =
        composition && composition.interval <= interval ? { ...composition, direction } : compose(direction, interval)
      solution = solve(composition, window)
      guess = solution
    }
    largest = Math.max(largest, solution.epsilon)
  }
  return largest
}
