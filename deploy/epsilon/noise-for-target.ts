import { epsilonPld } from '@tributary/shared/dp/accountant'
import { calibrateNoise } from '@tributary/shared/dp/calibrate'
import type { Delta, Epsilon, SamplingRate } from '@tributary/shared/units'
import { type Belief, beliefs } from './plan-epsilon.ts'

export interface Target {
  readonly target: Epsilon
  readonly q: SamplingRate
  readonly steps: number
  readonly delta: Delta
}

/** The least noise that keeps a target, and what it costs: never more than the target. --json prints it as it is. */
export interface NoiseForTarget extends Target {
  /** Standard deviation of the summed noise over the clip norm. */
  readonly sigma: number
  /** PLD at that sigma. */
  readonly epsilon: number
  readonly odds: readonly Belief[]
}

/** Least sigma to 1e-4 (5e-6 relative above 20), by PLD. Cost: about fifteen PLDs. */
export const noiseForTarget = ({ target, q, steps, delta }: Target): NoiseForTarget => {
  const sigma = calibrateNoise({ target, delta, samplingRate: q, steps })
  const epsilon = epsilonPld([{ noiseMultiplier: sigma, samplingRate: q, steps }], delta)
  return { sigma, epsilon, target, q, steps, delta, odds: beliefs(epsilon) }
}
