import { wireStepOf } from '@tributary/shared/dp/fold'
import type { Query } from '@tributary/shared/dp/query'
import { promisedUnits } from '@tributary/shared/study/federation'
import type { Manifest } from '@tributary/shared/study/study-schema'

/** The noised sum over the contributors, in the units of the vector: all that a coordinator ever learns of a round. */
export interface NoisySum {
  readonly values: Float64Array
  /** Noise shares in it, one a contributor: more than the plan counts on wherever all sites came. */
  readonly shares: number
  /** Promised units of the contributors over those of all sites (R19). */
  readonly part: number
}

/** From the whole wire steps that were opened. */
export const noisySumOf = (
  query: Query,
  steps: Float64Array,
  manifest: Pick<Manifest, 'privacy' | 'sites'>,
  contributors: readonly string[],
): NoisySum => {
  const wireStep = wireStepOf(query.grid)
  return { values: steps.map((value) => value * wireStep), ...sharesIn(manifest, contributors) }
}

/** What a sum of these sites has in it: public facts alone. */
export const sharesIn = (
  { privacy, sites }: Pick<Manifest, 'privacy' | 'sites'>,
  contributors: readonly string[],
): Pick<NoisySum, 'shares' | 'part'> => {
  const present = sites.filter(({ name }) => contributors.includes(name))
  return {
    shares: contributors.length,
    part: promisedUnits({ privacy, sites: present }) / promisedUnits({ privacy, sites }),
  }
}
