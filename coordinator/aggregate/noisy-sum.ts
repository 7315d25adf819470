import { wireStepOf } from '@tributary/shared/dp/fold'
import type { Query } from '@tributary/shared/dp/query'

/** The noised sum over the contributors, in the units of the vector: all that a coordinator ever learns of a round. */
export interface NoisySum {
  readonly values: Float64Array
}

/** From the whole wire steps that were opened. */
export const noisySumOf = (query: Query, steps: Float64Array): NoisySum => {
  const wireStep = wireStepOf(query.grid)
  return { values: steps.map((value) => value * wireStep) }
}
