import { marginalCountNoise } from '@tributary/shared/study/marginal-noise'
import type { Manifest } from '@tributary/shared/study/study-schema'

/** Two-sided 95 % of a normal distribution, in standard deviations. */
export const z95 = 1.96

export interface MarginalNoise {
  /** Standard deviation of the noise in one released count, in units of privacy. */
  readonly units: number
  /** Standard deviation of the noise in one share of a column of `levels` levels, after norm-sub. */
  share(levels: number): number
}

/**
 * Noise in the released 1-way marginals, from the plan alone: that of one count, see `marginalCountNoise`. Norm-sub takes the same
 * amount off all k cells of a column so that they add up to the total: (I - 1/k) takes the noise of a cell down by
 * sqrt(1 - 1/k). Where it also cuts cells at zero it projects onto a smaller convex set, which leaves the column's error no
 * larger. Shares are of the promised units (R19): the noisy total that they were divided by is within its own noise of that if
 * the sites promised truly. No error of sampling patients from a population is in it.
 */
export const marginalNoise = (manifest: Manifest, contributors: number): MarginalNoise | undefined => {
  const noise = marginalCountNoise(manifest, contributors)
  if (noise === undefined) return undefined
  const { units, divisor } = noise
  return { units, share: (levels) => (units / divisor) * Math.sqrt(1 - 1 / levels) }
}

/** Noise in what a generator knows of relations between columns: of one release, and of all releases together. */
export interface RelationsNoise {
  readonly kind: 'gradient' | 'pairs'
  readonly step: number
  readonly overall: number
}

/**
 * Of gradients: the length of the noise of one training step over the longest sum that the promised units could give, sigma
 * sqrt(contributors / h) sqrt(dimension) against q N, the clip norm cancelled; above 1 a step is more noise than signal can be. Of
 * tables of pairs: the deviation of the noise in one cell, as a share of the promised units, where all pairs have the same weight.
 * The mean of several releases has that over the root of their number.
 */
export const relationsNoise = (manifest: Manifest, contributors: number): RelationsNoise => {
  const { plan, federation, columns } = manifest
  const query = plan.queries.find(({ kind }) => kind === 'gradient' || kind === 'pairs')
  if (query === undefined) return { kind: 'gradient', step: 0, overall: 0 }
  const { noise_multiplier: sigma, dimension, divisor, steps } = query
  const kind = query.kind === 'pairs' ? 'pairs' : 'gradient'
  const pairs = (columns.length * (columns.length - 1)) / 2
  const spread = kind === 'pairs' ? pairs : dimension
  const step = (sigma * Math.sqrt((contributors / federation.noise_shares) * spread)) / divisor
  return { kind, step, overall: step / Math.sqrt(steps) }
}
