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
 * at most `target` at `delta` by PLD; 0.01 where less would do. The value returned was itself priced and is never above the target. Takes about ten
 * coarse and four full PLD evaluations. Throws `PLAN_REFUSED` when `besides` alone leaves no room, `UNIT_OUT_OF_RANGE` for bad
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
    throw new CodedError('PLAN_REFUSED', `the other queries alone cost epsilon ${fixed.toPrecision(5)} of ${target}`)

  /** log(epsilon / target): falls with sigma, at most 0 where the target is kept. */
  const gap = (sigma: number, coarseness: number): number => {
    const phase = { noiseMultiplier: noiseMultiplier(sigma), samplingRate: rate, steps }
    return Math.log(epsilonPld([phase, ...besides], delta, coarseness) / target) + MARGIN
  }
  const coarse = (sigma: number) => gap(sigma, COARSE)
  const guess = firstGuess(target, delta, rate, steps)
  const near = refine(coarse, bracket(coarse, guess, Math.max(1e-3, guess * 0.2)), 2e-3 * guess)
  const full = (sigma: number) => gap(sigma, 1)
  const resolution = 5e-5 * Math.max(1, near.high / 20)
  const slope = near.high > near.low ? (near.below - near.above) / (near.high - near.low) : undefined
  return noiseMultiplier(refine(full, bracket(full, near.high, 0.7 * resolution, slope), resolution).high)
}

/** low < high with gap(low) > 0 >= gap(high), and both gaps. */
interface Bracket {
  readonly low: number
  readonly high: number
  readonly above: number
  readonly below: number
}

/** Walks from `start` towards the root by secants, overshooting by about `step`, until two points enclose it. */
const bracket = (gap: (sigma: number) => number, start: number, step: number, firstSlope = -1 / start): Bracket => {
  let sigma: number = Math.max(LEAST_SIGMA, start)
  let value = gap(sigma)
  let slope = firstSlope < 0 ? firstSlope : -1 / sigma
  for (let i = 0; i < 80; i++) {
    const reach = Number.isFinite(value) ? -value / slope : sigma
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
 * A bracket whose upper end lies within `width` of the root, by its own width or by the secant through its ends: the Illinois
 * method (Dowell and Jarratt 1971), with bisection as the last resort.
 */
const refine = (gap: (sigma: number) => number, start: Bracket, width: number): Bracket => {
  let { low, high, above, below } = start
  let [weightAbove, weightBelow] = [above, below]
  for (let i = 0; i < 60 && high - low > width; i++) {
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
  const mu = Math.sqrt(tail * tail + 2 * target) - tail
  return 1 / Math.sqrt(Math.log1p((mu / rate) ** 2 / steps))
}
