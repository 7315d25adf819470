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

/** Largest number of records of one unit that the accountant prices. */
export const mostRecordsPerUnit = 1024
/** Beyond these nothing is priced: next to no noise, next to no sampling, or a release a second for thirty years. */
export const leastNoisePerRecord = 1e-3
const limits = { leastNoise: 0.01, mostNoise: 1e12, leastRate: 1e-12, mostSteps: 1e9 }

const within = (name: string, value: number, least: number, most: number): number => {
  if (value >= least && value <= most) return value
  throw new CodedError('UNIT_OUT_OF_RANGE', `${name} must be from ${least} to ${most}, got ${value}`)
}

const checked = (phase: Phase): MergedPhase => {
  const records = within(
    'records per unit',
    count('records per unit', phase.recordsPerUnit ?? 1),
    1,
    mostRecordsPerUnit,
  )
  const sigma = within('noise multiplier', noiseMultiplier(phase.noiseMultiplier), limits.leastNoise, limits.mostNoise)
  within('noise multiplier over records per unit', sigma / records, leastNoisePerRecord, Infinity)
  return {
    sigma,
    rate: within('sampling rate', samplingRate(phase.samplingRate), limits.leastRate, 1),
    steps: within('steps', count('steps', phase.steps), 0, limits.mostSteps),
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
  if (sampled.size > 0 && precision > leastNoisePerRecord ** -2)
    throw new CodedError(
      'UNIT_OUT_OF_RANGE',
      `the unsampled steps together leave a noise multiplier of ${1 / Math.sqrt(precision)}, below ${leastNoisePerRecord}`,
    )
  const unsampled = precision > 0 ? [{ sigma: 1 / Math.sqrt(precision), rate: 1, steps: 1, records: 1 }] : []
  return [...unsampled, ...sampled.values()]
}

/** True when no epsilon can be promised (delta = 0: Gaussian noise has unbounded loss). Throws `UNIT_OUT_OF_RANGE`. */
export const isUnbounded = (merged: readonly MergedPhase[], bound: Delta): boolean =>
  merged.length > 0 && delta(bound) === 0
