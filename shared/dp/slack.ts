import { largestMagnitude, wireBoundOf } from './fold.ts'
import type { Query } from './query.ts'

/**
 * What the integer grid adds to a query's sensitivity.
 *
 * A site rounds its sum once, floor(x + u) per coordinate in fine steps, u uniform in [0, 1) and independent of the data.
 * For any fixed u, |floor(x + u) - floor(x' + u)| < |x - x'| + 1 in every coordinate, so two neighbouring sums that differ by
 * at most C in L2 differ by at most C + gamma sqrt(dimension) after rounding. The bound holds for every u, so it holds for the
 * mixture over u: the release is a mixture of Gaussian mechanisms of that sensitivity with weights that do not depend on the
 * data, and the hockey-stick divergence is jointly convex. Saturation to [-clamp, clamp] moves two integers no further apart
 * (R12). This is the deterministic bound of R13; it needs no lemma about random rounding. Drift of floating sums is not counted
 * here: the C that a synthesizer's clipped sum declares covers it (R15). Neither is the fold, which comes after the noise.
 *
 * The slack is gamma sqrt(dimension) / C: the share of the clip norm that rounding can add.
 */
export const slackOf = ({ grid, dimension, clipNorm }: Pick<Query, 'grid' | 'dimension' | 'clipNorm'>): number =>
  (grid.step * Math.sqrt(dimension)) / clipNorm

/** L2 sensitivity of the integer sum, in the units of the vector: C + gamma sqrt(dimension). */
export const sensitivityOf = (query: Pick<Query, 'grid' | 'dimension' | 'clipNorm'>): number =>
  query.clipNorm * (1 + slackOf(query))

/**
 * How much narrower than `shares` discrete shares of `shareSteps` the continuous Gaussian is whose post-processing they are.
 *
 * A continuous Gaussian of variance v - r^2, rounded to the integers by a discrete Gaussian of deviation r around it, is the
 * discrete Gaussian of variance v up to a factor 1 +- 2.1 e^(-2 pi^2 r^2) at every point (Peikert 2010, theorem 3.1, by Poisson
 * summation). With r = 2 the factor is within 2^-112 of 1. So whatever an accountant proves of the continuous Gaussian of this
 * deviation (sampled, in groups, in both directions) holds for the integers; a sum of h shares counts as one of variance h s^2
 * up to 2^-50000 (Micciancio and Walter 2017).
 */
export const latticeShrink = (shareSteps: number, shares: number): number =>
  Math.sqrt(1 - latticeWidth ** 2 / (shares * shareSteps ** 2))

const latticeWidth = 2

/**
 * Noise over sensitivity as the accountant must see it when `shares` independent noise shares are unknown to the observer.
 * A share has variance (sigma C)^2 / `sizedFor` (h of the plan).
 */
export const effectiveMultiplier = (query: Query, shares: number, sizedFor: number): number =>
  ((query.noiseMultiplier * query.clipNorm * Math.sqrt(shares / sizedFor)) / sensitivityOf(query)) *
  latticeShrink(query.grid.shareSteps, shares)

/** Most that rounding may add, as a share of the clip norm. */
export const slackLimit = { gradient: 0.001, marginals: 0.001, pairs: 0.001, scores: 0.001 } as const

/** Bits that one ring coefficient carries: the modulus of protocol C has 58, its lowest 57 are used. */
export const coefficientBits = 57

export const slotBitsOf = (scaleBits: number, valuesPerCoefficient: number): number =>
  Math.floor((coefficientBits - scaleBits) / valuesPerCoefficient)

/**
 * Largest clamp in fine steps for which `sites` slots of at most 2 wireBound + 1 stay below 2^slotBits and every number stays
 * exact; may be negative.
 */
export const largestClamp = (sites: number, slotBits: number, noiseBound: number, foldBits: number): number => {
  const wireBound = Math.floor(((2 ** slotBits - 1) / sites - 1) / 2)
  const fine = Math.ceil((wireBound + 0.5) * 2 ** foldBits) - 1
  return Math.min(fine, largestMagnitude) - noiseBound
}

/** True when the sum of `sites` biased slots cannot reach 2^slotBits and no integer is too large to be exact. */
export const slotsFit = (sites: number, grid: Query['grid']): boolean =>
  grid.clamp + grid.noiseBound <= largestMagnitude && sites * (2 * wireBoundOf(grid) + 1) < 2 ** grid.slotBits

/**
 * The least clamp that loses nothing that matters, in the units of the vector: sixteen clip norms and sixteen noise shares; where
 * units pull a coordinate the same way by up to `reach` each, also twice what the largest site can add to it.
 */
export const leastClamp = (
  query: Pick<Query, 'clipNorm' | 'samplingRate' | 'grid'>,
  reach: number,
  largestSite: number,
): number =>
  Math.max(
    16 * query.clipNorm,
    16 * query.grid.shareSteps * query.grid.step,
    2 * reach * query.samplingRate * largestSite,
  )
