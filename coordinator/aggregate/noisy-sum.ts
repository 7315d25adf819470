import { wireStepOf } from '@tributary/shared/dp/fold'
import type { Query } from '@tributary/shared/dp/query'
import { type SumShares, sharesIn } from '@tributary/shared/study/sum-shares'
import type { Manifest } from '@tributary/shared/study/study-schema'

/** The noised sum over the contributors, in the units of the vector: all that a coordinator ever learns of a round. */
export interface NoisySum extends SumShares {
  readonly values: Float64Array
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
