import { priceOf } from '@tributary/shared/dp/accountant'
import { noiseTable, shareStepsFor } from '@tributary/shared/dp/noise-table'
import { phasesOf, samplerDistance, samplerReserve, stepOf } from '@tributary/shared/dp/plan-queries'
import type { Manifest } from '@tributary/shared/study/manifest'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { delta } from '@tributary/shared/units'

/**
 * The same study answered by `contributors` sites whose noise shares together are what all sites of the study add:
 * sigma C sqrt(sites / h). No share is wider in the vector's units than its sum allows, the grid is never coarser, and a
 * site may count as much more as there are fewer of them, so that the public promise is at least the study's. For tests
 * alone: the product has no plan for one site, and refuses two (R7).
 */
export const variantOf = (manifest: Manifest, contributors: number): Manifest => {
  const sites = manifest.sites.length
  const { noise_shares: sizedFor } = manifest.federation
  const queries = manifest.plan.queries.map((query) => {
    const { grid } = query
    const multiplier = query.noise_multiplier * Math.sqrt(sites / sizedFor)
    const shareSteps = shareStepsFor(grid.share_steps * Math.sqrt(sites / contributors))
    const step = stepOf(multiplier, query.clip_norm, contributors, shareSteps)
    // All sites: the slots are sized for exactly this.
    const clamp =
      contributors === sites ? grid.clamp : Math.ceil((grid.clamp * grid.step * (sites / contributors)) / step)
    const { noiseBound } = noiseTable(shareSteps)
    return {
      ...query,
      noise_multiplier: multiplier,
      grid: { ...grid, step, share_steps: shareSteps, noise_bound: noiseBound, clamp },
    }
  })
  return {
    ...manifest,
    federation: { ...manifest.federation, noise_shares: contributors },
    plan: { ...manifest.plan, queries },
  }
}

/** The same study with fewer gradient steps: to see that a tool runs. */
export const withSteps = (manifest: Manifest, steps: number): Manifest => ({
  ...manifest,
  plan: {
    ...manifest.plan,
    queries: manifest.plan.queries.map((query) =>
      query.kind === 'gradient' ? { ...query, steps, attempts: steps + query.attempts - query.steps } : query,
    ),
  },
})

/** Epsilon of a variant to the public, all its shares counted. */
export const publicEpsilon = (variant: Manifest): number => {
  const queries = queriesOf(variant.plan)
  const { noise_shares: shares } = variant.federation
  const reserve = samplerReserve(variant.privacy, samplerDistance(queries, variant))
  return priceOf(phasesOf(queries, shares, shares), delta(variant.privacy.delta - reserve)).epsilon
}
