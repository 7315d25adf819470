import type { Manifest } from './study-schema.ts'

/**
 * Standard deviation of the noise in one released 1-way count, in units of privacy, and the divisor that makes it a share;
 * undefined without marginals. Each of `contributors` sites added a share of deviation sigma C / sqrt(h) (h = noise shares), so that
 * one summed count has deviation sigma C sqrt(contributors / h); the mean of several releases has that over the root of their number.
 */
export const marginalCountNoise = (
  { plan, federation }: Pick<Manifest, 'plan' | 'federation'>,
  contributors: number,
): { readonly units: number; readonly divisor: number } | undefined => {
  const query = plan.queries.find(({ kind }) => kind === 'marginals')
  if (query === undefined) return undefined
  const one = query.noise_multiplier * query.clip_norm * Math.sqrt(contributors / federation.noise_shares)
  return { units: one / Math.sqrt(query.steps), divisor: query.divisor }
}
