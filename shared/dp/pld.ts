import { type Delta, noiseMultiplier } from '../units.ts'
import { cumulants, type Direction, saddle, tiltedRange, upperQuantile } from './cumulant.ts'
import { type Composition, isCovered, type Solution, solve, type Window } from './loss-composition.ts'
import { gaussianEpsilon } from './gaussian.ts'
import { lossGrid } from './loss-grid.ts'
import { lossMixture, supportOf } from './loss-mixture.ts'
import { isUnbounded, type MergedPhase, mergePhases, type Phase } from './phase.ts'

/** Share of delta that each kind of truncation may use; all of it is charged. */
const TRUNCATION = 1e-6
/** Share of delta kept back for relative rounding errors of quadrature and summation (below 1e-13 a step, 1e5 steps). */
const ROUNDING = 1e-6
const MOST_CELLS = 1 << 19
const MOST_POINTS = 1 << 21
/** A grid this many times coarser than those caps is quick; a finer one only where `widest` asks for it. */
const AFFORDABLE = 4

/** Epsilon beyond which a relative 1e-4 is enough. */
const LARGE = 60

/** Error of epsilon that the grid aims at when nothing asks for less. */
const widest = (epsilon: number): number =>
  Math.min(Math.max(1e-4 * epsilon, 3e-5), 2e-4) + 1e-4 * Math.max(0, epsilon - LARGE)

/** Largest amount by which `epsilonPld` may exceed the true epsilon near `epsilon`: five times what the grid aims at. */
export const gridTolerance = (epsilon: number): number => 5 * widest(epsilon)

interface Plan {
  readonly direction: Direction
  readonly window: Window
}

/**
 * Upper bound of the epsilon that holds at `delta` for the phases together, whatever their order; the larger of removal and
 * addition of one unit. 0 for no phases, Infinity at delta = 0; the closed form where nothing is sampled.
 *
 * Privacy loss distributions by connect-the-dots, composed by fast Fourier transform of exponentially tilted atoms (Koskela et
 * al. 2020; Gopi, Lee and Wutschitz 2021). Every truncation is charged to delta. Never below the true epsilon; above it by
 * about 1e-4 relative, at most 2e-4 up to epsilon 60; where the grid that takes is quick, by no more than 4e-5 of noise
 * multiplier is worth; by more only where the caps on the grid bind. `coarseness` multiplies that tolerance: a quicker, looser
 * bound. Cost: one
 * transform forth a phase and one back, of at most 2^21 points. Throws `UNIT_OUT_OF_RANGE`.
 */
export const epsilonPld = (phases: readonly Phase[], delta: Delta, coarseness = 1): number =>
  largestEpsilon(phases, delta, coarseness, ['remove', 'add'])

/** The same for one direction only: 'remove' a unit or 'add' one. `epsilonPld` is the larger. */
export const epsilonPldOneWay = (phases: readonly Phase[], delta: Delta, direction: Direction): number =>
  largestEpsilon(phases, delta, 1, [direction])

const largestEpsilon = (
  phases: readonly Phase[],
  delta: Delta,
  coarseness: number,
  directions: readonly Direction[],
): number => {
  const merged = mergePhases(phases)
  if (isUnbounded(merged, delta)) return Infinity
  const [only, ...others] = merged
  if (only === undefined) return 0
  if (others.length === 0 && only.rate === 1) return gaussianEpsilon(noiseMultiplier(only.sigma), delta)
  if (farthest(merged) <= delta) return 0
  const totalSteps = merged.reduce((sum, { steps }) => sum + steps, 0)
  const largestSigma = Math.max(...merged.map(({ sigma }) => sigma))
  const tolerance = (epsilon: number): number => {
    const worthOfNoise = Math.max(3e-6, 4e-6 * epsilon, (4e-5 * epsilon) / largestSigma)
    return coarseness * (epsilon > LARGE ? widest(epsilon) : Math.min(widest(epsilon), worthOfNoise))
  }
  const looseTolerance = (epsilon: number): number =>
    coarseness * Math.min(widest(epsilon), Math.max(0.5 * widest(epsilon), (8e-5 * epsilon) / largestSigma))
  const steps = placed(merged, (TRUNCATION * delta) / totalSteps)
  const widestRange = Math.max(...steps.map(({ range }) => range))

  // A search far from its end asks coarsely and often.
  const leastCells = coarseness > 1 ? 256 : 2048
  const least = ({ low, high }: Window): number => Math.max(widestRange / MOST_CELLS, (high - low) / (MOST_POINTS - 4))
  const intervalFor = (window: Window, { epsilon, slope }: Solution): number => {
    // Splitting a cell adds at most h^2 / 4 to a step's variance, which moves epsilon by T h^2 (slope + 1) / 8 at most.
    const within = (error: number): number =>
      Math.min(Math.sqrt((8 * error) / (totalSteps * (slope + 1))), widestRange / leastCells)
    const quick = Math.min(within(looseTolerance(epsilon)), AFFORDABLE * least(window))
    return Math.max(within(tolerance(epsilon)), quick, least(window))
  }
  const compose = (direction: Direction, interval: number): Composition => {
    const grids = steps.map(({ mixture, support, repeats }) => ({
      grid: lossGrid(mixture, support, interval),
      steps: repeats,
    }))
    const outside = grids.reduce((sum, { grid, steps: repeats }) => sum + repeats * grid.outside, 0)
    return { grids, interval, direction, outside, delta: delta * (1 - ROUNDING) }
  }

  let composition: Composition | undefined
  let largest = 0
  for (const { direction, window } of windows(steps, delta, directions)) {
    if (composition && isCovered({ ...composition, direction }, window.tilt, largest)) continue
    const reused = composition && composition.interval >= least(window) ? { ...composition, direction } : undefined
    // The grid at hand is pessimistic in both directions: where it already shows less, no finer one is needed.
    let solution = reused && solve(reused, window)
    if (solution && solution.epsilon <= largest) continue
    // Chernoff's tilt guesses the slope; where the true slope asks for a finer grid, another pass uses it.
    for (let pass = 0; pass < 3; pass++) {
      const interval = intervalFor(window, solution ?? { epsilon: window.reference, slope: window.tilt })
      if (solution && composition && interval > 0.46 * composition.interval) break
      composition = compose(direction, interval)
      solution = solve(composition, window)
    }
    largest = Math.max(largest, solution?.epsilon ?? 0)
  }
  return largest
}

/**
 * Bound of the total variation distance, which is delta at epsilon 0: k q / (sigma sqrt(2 pi)) a step, and never above the chance
 * that a unit is drawn at all, 1 - product of (1 - q)^(k T).
 */
const farthest = (merged: readonly MergedPhase[]): number => {
  const moved = merged.reduce((sum, { sigma, rate, records, steps }) => sum + (steps * records * rate) / sigma, 0)
  const undrawn = merged.reduce((sum, { rate, records, steps }) => sum + steps * records * Math.log1p(-rate), 0)
  return Math.min(moved / Math.sqrt(2 * Math.PI), -Math.expm1(undrawn))
}

type Placed = ReturnType<typeof placed>

/** Each phase with the stretch of x that is represented: at most `mass` lies outside. */
const placed = (merged: readonly MergedPhase[], mass: number) =>
  merged.map((phase) => {
    const mixture = lossMixture(phase)
    const support = supportOf(mixture, mass)
    return { mixture, support, repeats: phase.steps, range: mixture.loss(support[1]) - mixture.loss(support[0]) }
  })

/** Where each direction's composed loss lies, the dearer direction first. */
const windows = (steps: Placed, delta: number, directions: readonly Direction[]): readonly Plan[] => {
  const k = cumulants(steps)
  const logTailMass = Math.log(TRUNCATION * delta)
  const plans = directions.map((direction): Plan => {
    const { tilt, epsilon } = saddle(k[direction], Math.log(delta))
    const { tilt: tailTilt, level } = upperQuantile(k[direction], logTailMass)
    const [low, tiltedHigh] = tiltedRange(k[direction], tilt, Math.log(TRUNCATION))
    const high = Math.max(level, tiltedHigh)
    return { direction, window: { low, high, tilt, tailTilt, logTailMass, reference: Math.max(0, epsilon) } }
  })
  return plans.sort((one, other) => other.window.reference - one.window.reference)
}
