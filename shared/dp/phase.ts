import { CodedError } from '../errors.ts'
import {
  count,
  type Delta,
  delta,
  type NoiseMultiplier,
  noiseMultiplier,
  type SamplingRate,
  samplingRate,
} from '../units.ts'

/**
 * `steps` releases of a Poisson-sampled sum plus Gaussian noise. Neighbouring relation: add or remove one unit, whose vector
 * has norm at most 1 in units of the clip norm.
 */
export interface Phase {
  readonly noiseMultiplier: NoiseMultiplier
  readonly samplingRate: SamplingRate
  readonly steps: number
  /**
   * Records of one unit that are sampled, clipped and summed independently; default 1. With k records the unit moves the sum
   * by 0 .. k with Binomial(k, q) weights (mixture of Gaussians).
   */
  readonly recordsPerUnit?: number
}

/** A checked phase, after all phases with one distribution have been put together. */
export interface MergedPhase {
  readonly sigma: number
  readonly rate: number
  readonly steps: number
  readonly records: number
}

/** What is priced: beyond it lies next to no noise, next to no sampling, or a release a second for thirty years. */
export const priced = {
  sigma: [0.01, 1e12],
  rate: [1e-12, 1],
  steps: [0, 1e9],
  records: [1, 1024],
  sigmaPerRecord: [1e-3, Infinity],
} as const

/** `value` if it is priced. Throws `UNIT_OUT_OF_RANGE`. */
export const requirePriced = (what: keyof typeof priced, name: string, value: number): number => {
  const [least, most] = priced[what]
  if (value >= least && value <= most) return value
  throw new CodedError('UNIT_OUT_OF_RANGE', `${name} must be from ${least} to ${most}, got ${value}`)
}

const checked = (phase: Phase): MergedPhase => {
  const sigma = requirePriced('sigma', 'noise multiplier', noiseMultiplier(phase.noiseMultiplier))
  const records = count('records per unit', phase.recordsPerUnit ?? 1)
  requirePriced('records', 'records per unit', records)
  requirePriced('sigmaPerRecord', 'noise multiplier over records per unit', sigma / records)
  return {
    sigma,
    rate: requirePriced('rate', 'sampling rate', samplingRate(phase.samplingRate)),
    steps: requirePriced('steps', 'steps', count('steps', phase.steps)),
    records,
  }
}

/**
 * Equal phases added up; all unsampled phases become one Gaussian release of sensitivity 1 and precision sum T k^2 / sigma^2,
 * which is exact. Order does not matter. Throws `UNIT_OUT_OF_RANGE`.
 */
export const mergePhases = (phases: readonly Phase[]): readonly MergedPhase[] => {
  const sampled = new Map<string, MergedPhase>()
  let precision = 0
  for (const phase of phases.map(checked)) {
    if (phase.steps === 0) continue
    if (phase.rate === 1) {
      precision += phase.steps * (phase.records / phase.sigma) ** 2
      continue
    }
    const key = `${phase.sigma} ${phase.rate} ${phase.records}`
    sampled.set(key, { ...phase, steps: phase.steps + (sampled.get(key)?.steps ?? 0) })
  }
  if (sampled.size > 0 && precision > 0)
    requirePriced('sigmaPerRecord', 'noise multiplier of all unsampled steps', 1 / Math.sqrt(precision))
  const unsampled = precision > 0 ? [{ sigma: 1 / Math.sqrt(precision), rate: 1, steps: 1, records: 1 }] : []
  return [...unsampled, ...sampled.values()]
}

/** True when no epsilon can be promised (delta = 0: Gaussian noise has unbounded loss). Throws `UNIT_OUT_OF_RANGE`. */
export const isUnbounded = (merged: readonly MergedPhase[], bound: Delta): boolean =>
  merged.length > 0 && delta(bound) === 0
