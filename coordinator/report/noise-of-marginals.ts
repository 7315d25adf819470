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
 * Noise in the released 1-way marginals, from the plan alone. Each of `contributors` sites added a share of deviation sigma C /
 * sqrt(h) (h = noise shares), so that one summed count has deviation sigma C sqrt(contributors / h). Norm-sub takes the same
 * amount off all k cells of a column so that they add up to the total: (I - 1/k) takes the noise of a cell down by
 * sqrt(1 - 1/k). Where it also cuts cells at zero it projects onto a smaller convex set, which leaves the column's error no
 * larger. Shares are of the promised units (R19): the noisy total that they were divided by is within its own noise of that if
 * the sites promised truly. No error of sampling patients from a population is in it.
 */
export const marginalNoise = (manifest: Manifest, contributors: number): MarginalNoise | undefined => {
  const query = manifest.plan.queries.find(({ kind }) => kind === 'marginals')
  if (query === undefined) return undefined
  const units = query.noise_multiplier * query.clip_norm * Math.sqrt(contributors / manifest.federation.noise_shares)
  return { units, share: (levels) => (units / query.divisor) * Math.sqrt(1 - 1 / levels) }
}

/**
 * Length of the noise of one training step over the longest sum that the promised units could give: sigma sqrt(contributors / h)
 * sqrt(dimension) against q N, the clip norm cancelled. Above 1 a step is more noise than signal can be.
 */
export const gradientNoise = (manifest: Manifest, contributors: number): { step: number; overall: number } => {
  const query = manifest.plan.queries.find(({ kind }) => kind === 'gradient')
  if (query === undefined) return { step: 0, overall: 0 }
  const { noise_multiplier: sigma, dimension, divisor, steps } = query
  const step = (sigma * Math.sqrt((contributors / manifest.federation.noise_shares) * dimension)) / divisor
  return { step, overall: step / Math.sqrt(steps) }
}
