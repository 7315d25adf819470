import { calibrateNoise } from '@tributary/shared/dp/calibrate'
import type { Delta, Epsilon, SamplingRate } from '@tributary/shared/units'
import { type PlanEpsilon, planEpsilon } from './plan-epsilon.ts'

export interface Target {
  readonly target: Epsilon
  readonly q: SamplingRate
  readonly steps: number
  readonly delta: Delta
}

/** The least noise that keeps a target, and all that is said of a plan with it. --json prints it as it is. */
export interface NoiseForTarget extends Target, Omit<PlanEpsilon, 'delta'> {
  /** Standard deviation of the summed noise over the clip norm. */
  readonly sigma: number
  /** PLD at that sigma: never above the target. */
  readonly epsilon: number
}

/** Least sigma to 1e-4 (5e-6 relative above 20), by PLD. Throws what `calibrateNoise` does. Cost: about twelve PLDs. */
export const noiseForTarget = ({ target, q, steps, delta }: Target): NoiseForTarget => {
  const sigma = calibrateNoise({ target, delta, samplingRate: q, steps })
  const plan = planEpsilon([{ noiseMultiplier: sigma, samplingRate: q, steps }], delta)
  return { sigma, epsilon: plan.pld.epsilon, target, q, steps, ...plan, delta }
}
