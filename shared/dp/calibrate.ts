import { CodedError } from '../errors.ts'
import {
  count,
  type Delta,
  type Epsilon,
  delta as checkedDelta,
  epsilon as checkedEpsilon,
  type NoiseMultiplier,
  noiseMultiplier,
  type SamplingRate,
  samplingRate,
} from '../units.ts'
import { atMostFigure } from './odds.ts'
import { type Phase, priced } from './phase.ts'
import { epsilonPld } from './pld.ts'

export interface CalibrationRequest {
  readonly target: Epsilon
  readonly delta: Delta
  readonly samplingRate: SamplingRate
  readonly steps: number
  /** Phases of the same plan whose noise is already fixed. */
  readonly besides?: readonly Phase[]
}

/** Tolerance of the first search, in multiples of the accountant's own. */
const COARSE = 40
/** Where rounding of a plan's phases in another order may move epsilon. */
const MARGIN = 1e-9
const MOST_SIGMA = 1e9
const [LEAST_SIGMA] = priced.sigma

/**
 * The least noise multiplier, to 1e-4 (5e-6 relative above 20), at which `steps` sampled releases composed with `besides` cost
 * at most `target` at `delta` by PLD; 0.01 where less would do. The value returned was itself priced and is never above the
 * target. Takes about ten coarse and two full PLD evaluations. Throws `PLAN_REFUSED` when `besides` alone leaves no room, `UNIT_OUT_OF_RANGE` for bad
 * units.
 */
export const calibrateNoise = (request: CalibrationRequest): NoiseMultiplier => {
  const target = checkedEpsilon(request.target)
  const delta = checkedDelta(request.delta)
  const rate = samplingRate(request.samplingRate)
  const steps = count('steps', request.steps, 1)
  const besides = request.besides ?? []
  const fixed = epsilonPld(besides, delta)
  if (fixed >= target || delta === 0)
    throw new CodedError('PLAN_REFUSED', `the other queries alone cost epsilon ${atMostFigure(fixed, 5)} of ${target}`)

  /** log(epsilon / target): falls with sigma, at most 0 where the target is kept. */
  const gap = (sigma: number, coarseness: number): number => {
    const phase = { noiseMultiplier: noiseMultiplier(sigma), samplingRate: rate, steps }
    return Math.log(epsilonPld([phase, ...besides], delta, coarseness) / target) + MARGIN
  }
  const coarse = (sigma: number) => gap(sigma, COARSE)
  const full = (sigma: number) => gap(sigma, 1)
  const guess = Math.min(MOST_SIGMA, firstGuess(target, delta, rate, steps))
  const near = refine(
    coarse,
    bracket(coarse, guess, Math.max(1e-3, guess * 0.05), guessedSlope(guess)),
    (sigma) => 4e-3 * sigma,
  )
  const slope = near.high > near.low ? (near.below - near.above) / (near.high - near.low) : -Infinity
  const { isClose, sigma } = polish(full, near.high, slope)
  if (isClose) return noiseMultiplier(sigma)
  return noiseMultiplier(refine(full, bracket(full, sigma, 0.7 * resolutionAt(sigma), slope), resolutionAt).high)
}

const resolutionAt = (sigma: number): number => 5e-5 * Math.max(1, sigma / 20)

/**
 * Newton's method with the slope of the coarse search, from which the full one's differs by about a hundredth: most often it lands
 * a little above the root at once. Ends close where by that slope the root lies within a resolution below.
 */
const polish = (gap: (sigma: number) => number, start: number, slope: number) => {
  let sigma = start
  for (let i = 0; i < 3 && Number.isFinite(slope); i++) {
    const value = gap(sigma)
    if (value <= 0 && value / slope <= resolutionAt(sigma)) return { isClose: true, sigma }
    const next = sigma - value / slope + 0.3 * resolutionAt(sigma)
    if (!(Math.abs(next - sigma) < 0.05 * sigma && next >= LEAST_SIGMA && next <= MOST_SIGMA)) break
    sigma = next
  }
  return { isClose: false, sigma }
}

/** low < high with gap(low) > 0 >= gap(high), and both gaps. */
interface Bracket {
  readonly low: number
  readonly high: number
  readonly above: number
  readonly below: number
}

/** Walks from `start` towards the root by secants, overshooting by about `step`, until two points enclose it. */
const bracket = (gap: (sigma: number) => number, start: number, step: number, firstSlope: number): Bracket => {
  let sigma: number = Math.max(LEAST_SIGMA, start)
  let value = gap(sigma)
  let slope = firstSlope
  for (let i = 0; i < 80; i++) {
    // Where epsilon is 0 nothing tells how far: `step` alone, doubled each time, leads back.
    const reach = Number.isFinite(value) ? -value / slope : 0
    const stride = Math.max(-0.5 * sigma, Math.min(sigma, reach)) + (value > 0 ? step : -step) * 2 ** i
    const next = Math.max(LEAST_SIGMA, 0.25 * sigma, sigma + stride)
    if (next === sigma) return { low: sigma, high: sigma, above: 0, below: value }
    if (next > MOST_SIGMA) break
    const there = gap(next)
    if (value > 0 && there <= 0) return { low: sigma, high: next, above: value, below: there }
    if (value <= 0 && there > 0) return { low: next, high: sigma, above: there, below: value }
    if (Number.isFinite(value - there) && there !== value) slope = Math.min(-1e-12, (there - value) / (next - sigma))
    ;[sigma, value] = [next, there]
  }
  throw new CodedError('PLAN_REFUSED', 'no noise multiplier up to 1e9 reaches this epsilon')
}

/**
 * A bracket whose upper end lies within `widthAt` it of the root, by its own width or by the secant through its ends: the Illinois
 * method (Dowell and Jarratt 1971), with bisection as the last resort.
 */
const refine = (gap: (sigma: number) => number, start: Bracket, widthAt: (sigma: number) => number): Bracket => {
  let { low, high, above, below } = start
  let [weightAbove, weightBelow] = [above, below]
  for (let i = 0; i < 80 && high - low > widthAt(high); i++) {
    const width = widthAt(high)
    if (Number.isFinite(above) && ((high - low) * below) / (below - above) < width / 2) break
    const share = i < 12 && Number.isFinite(above - below) ? weightAbove / (weightAbove - weightBelow) : 0.5
    // Aims a little above the root, so that the upper end comes close too.
    const sigma = Math.min(high - 0.3 * width, Math.max(low + 0.3 * width, low + (high - low) * share + 0.3 * width))
    const value = gap(sigma)
    if (value > 0) {
      ;[low, above, weightAbove] = [sigma, value, value]
      weightBelow *= 0.5
    } else {
      ;[high, below, weightBelow] = [sigma, value, value]
      weightAbove *= 0.5
    }
  }
  return { low, high, above, below }
}

/** Central-limit guess: mu = q sqrt(T (e^(1/sigma^2) - 1)) should be about epsilon / sqrt(2 log(1 / delta)). */
const firstGuess = (target: number, delta: number, rate: number, steps: number): number => {
  const tail = Math.sqrt(-2 * Math.log(delta))
  const mu = (2 * target) / (Math.sqrt(tail * tail + 2 * target) + tail)
  return 1 / Math.sqrt(Math.log1p((mu / rate) ** 2 / steps))
}

/** Slope of log(epsilon) at that guess: epsilon falls a little faster than mu. */
const guessedSlope = (sigma: number): number => 1.3 / (sigma ** 3 * Math.expm1(-1 / sigma ** 2))
