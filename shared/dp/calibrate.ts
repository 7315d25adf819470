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
import type { Phase } from './phase.ts'
import { epsilonPld } from './pld.ts'

export interface CalibrationRequest {
  readonly target: Epsilon
  readonly delta: Delta
  readonly samplingRate: SamplingRate
  readonly steps: number
  /** Phases of the same plan whose noise is already fixed. */
  readonly besides?: readonly Phase[]
}

/** Width of the bracket at which the search stops, absolute and relative. */
const RESOLUTION = 4e-5

/**
 * The least noise multiplier, to 1e-4, at which `steps` sampled releases composed with `besides` cost at most `target` at
 * `delta` by PLD; the returned value itself was priced and is never above the target. Takes about ten PLD evaluations. Throws
 * `PLAN_REFUSED` when `besides` alone leaves no room, `UNIT_OUT_OF_RANGE` for bad units.
 */
export const calibrateNoise = (request: CalibrationRequest): NoiseMultiplier => {
  const target = checkedEpsilon(request.target)
  const delta = checkedDelta(request.delta)
  const rate = samplingRate(request.samplingRate)
  const steps = count('steps', request.steps, 1)
  const besides = request.besides ?? []
  const price = (sigma: number): number =>
    epsilonPld([{ noiseMultiplier: noiseMultiplier(sigma), samplingRate: rate, steps }, ...besides], delta)
  const fixed = epsilonPld(besides, delta)
  if (fixed >= target || delta === 0)
    throw new CodedError('PLAN_REFUSED', `the other queries alone cost epsilon ${fixed.toPrecision(5)} of ${target}`)

  // epsilon is close to proportional to 1 / sigma for many steps, so a power law through the last points converges quickly.
  const gap = (sigma: number): number => Math.log(price(sigma) / target)
  let low = 0
  let high = Infinity
  let sigma = firstGuess(target, delta, rate, steps)
  let value = gap(sigma)
  for (let i = 0; i < 60 && (value > 0 || high === Infinity || low === 0); i++) {
    if (value > 0) low = sigma
    else high = sigma
    if (low > 0 && high < Infinity) break
    sigma *= value > 0 ? Math.min(4, Math.max(1.05, Math.exp(1.3 * value))) : Math.max(0.25, Math.min(0.95, Math.exp(1.3 * value)))
    if (sigma > 1e9) throw new CodedError('PLAN_REFUSED', `no noise multiplier below 1e9 reaches epsilon ${target}`)
    if (sigma < 1e-6) return noiseMultiplier(high)
    value = gap(sigma)
  }
  return noiseMultiplier(refine(gap, low, high))
}

/** The upper end of a bracket gap(low) > 0 >= gap(high), narrowed by the Illinois method on log sigma. */
const refine = (gap: (sigma: number) => number, low: number, high: number): number => {
  let [a, b] = [low, high]
  let [fa, fb] = [gap(a), gap(b)]
  for (let i = 0; i < 60 && b - a > RESOLUTION * Math.max(1, b); i++) {
    const share = Number.isFinite(fa) && Number.isFinite(fb) ? fa / (fa - fb) : 0.5
    const width = b - a
    const margin = Math.min(0.25 * width, 0.4 * RESOLUTION * Math.max(1, b))
    // Landing just above the root lets the bracket close from both sides.
    const guess = a * (b / a) ** share + margin
    const sigma = Math.min(b - margin, Math.max(a + margin, i > 12 ? 0.5 * (a + b) : guess))
    const value = gap(sigma)
    if (value > 0) {
      ;[a, fa] = [sigma, value]
      fb *= 0.5
    } else {
      ;[b, fb] = [sigma, value]
      fa *= 0.5
    }
  }
  return b
}

/** Central-limit guess: mu = q sqrt(T (e^(1/sigma^2) - 1)) should be about epsilon / sqrt(2 log(1 / delta)). */
const firstGuess = (target: number, delta: number, rate: number, steps: number): number => {
  const tail = Math.sqrt(-2 * Math.log(delta))
  const mu = Math.sqrt(tail * tail + 2 * target) - tail
  return 1 / Math.sqrt(Math.log1p((mu / rate) ** 2 / steps))
}
