import { gaussianEpsilon } from '../../dp/gaussian.ts'
import { heldOutShare } from '../../evaluation/held-out-share.ts'
import { promisedUnits } from '../../study/federation.ts'
import type { StudyDraft } from '../../study/study-schema.ts'
import { delta, noiseMultiplier } from '../../units.ts'

/** What the rule reads: facts that are public before any patient is read, nothing else. */
export type AutoFacts = Pick<StudyDraft, 'columns' | 'privacy' | 'sites' | 'evaluation'> & {
  readonly federation: Pick<StudyDraft['federation'], 'noise_shares'>
}

/** How loudly a study's patients speak over its noise. */
export interface Signal {
  /** Promised units that the family is trained on. */
  readonly units: number
  /** Sensitivity over noise that one unsampled release of the whole budget would have: mu of Gaussian DP; squares of parts add up. */
  readonly mu: number
  /** Units for each standard deviation of the noise in one cell of a pair, were all pairs released evenly: n mu / sqrt(pairs). */
  readonly strength: number
}

/**
 * From public facts alone. The noise is what a sum really carries when all sites contribute: a share each, `noise_shares` of which
 * are enough for the promise. Throws `UNIT_OUT_OF_RANGE` for an epsilon or delta that no accountant takes.
 */
export const signalOf = (facts: AutoFacts): Signal => {
  const { columns, privacy, sites, federation, evaluation } = facts
  const units = promisedUnits(facts) * (evaluation === undefined ? 1 : 1 - heldOutShare)
  const pairs = Math.max(1, (columns.length * (columns.length - 1)) / 2)
  const mu = releaseMu(privacy.epsilon, privacy.delta) * Math.sqrt(Math.min(1, federation.noise_shares / sites.length))
  return { units, mu, strength: (units * mu) / Math.sqrt(pairs) }
}

/** The largest mu of one Gaussian release that costs `epsilon` at `target` (Balle and Wang 2018), to 1e-9 relative, from below. */
export const releaseMu = (epsilon: number, target: number): number => {
  const allowed = delta(target)
  const costs = (mu: number) => gaussianEpsilon(noiseMultiplier(1 / mu), allowed)
  let low = 1e-9
  let high = 1e-9
  while (costs(high) <= epsilon && high < 1e6) high *= 2
  while (high - low > 1e-9 * high) {
    const middle = (low + high) / 2
    if (costs(middle) <= epsilon) low = middle
    else high = middle
  }
  return low
}

/** rho of zCDP with epsilon = rho + 2 sqrt(rho ln(1 / delta)) (Bun and Steinke 2016, proposition 1.3). */
const rhoOf = (epsilon: number, target: number): number => {
  const log = Math.log(1 / target)
  return (Math.sqrt(log + epsilon) - Math.sqrt(log)) ** 2
}

/**
 * A share of mu^2 = 2 rho, which is what noise goes by, as plans count it: of rho in zCDP, which is less than what the exact Gaussian
 * curve allows. At most 0.9.
 */
export const plannedShare = (share: number, epsilon: number, target: number): number =>
  Math.min(0.9, (share * releaseMu(epsilon, target) ** 2) / (2 * rhoOf(epsilon, target)))

/** The share of mu^2 that a share in a plan is: the inverse of `plannedShare`. At most 1. */
export const noiseShareOf = (planned: number, epsilon: number, target: number): number =>
  Math.min(1, (planned * 2 * rhoOf(epsilon, target)) / releaseMu(epsilon, target) ** 2)
