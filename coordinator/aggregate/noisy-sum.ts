import { wireStepOf } from '@tributary/shared/dp/fold'
import type { Query } from '@tributary/shared/dp/query'
import { interpolateKey } from '@tributary/shared/he/shamir'
import { openSum } from '@tributary/shared/he/open-sum'
import type { SealContext } from '@tributary/shared/he/public-polynomial'
import type { Ring } from '@tributary/shared/he/ring'
import { SealedSum } from '@tributary/shared/he/sealed-sum'
import { slotLayoutOf } from '@tributary/shared/study/slot-layout'

/** The noised sum over the contributors, in the units of the vector: all that a coordinator ever learns of a round. */
export interface NoisySum {
  readonly values: Float64Array
}

export interface OpenedSum {
  readonly sum: NoisySum
  /** Holders whose answer disagreed with the others, when that can be told (never excluded by itself: R24). */
  readonly suspects: readonly number[]
}

/**
 * Adds the sealed contributions one by one and opens only their sum. `answers` are sums of key shares by holder index.
 * Throws `AGGREGATE_INVALID` when the answers do not open it. Memory: one contribution at a time; cost O(sites x dimension).
 */
export async function openNoisySum(request: {
  readonly ring: Ring
  readonly query: Query
  readonly sites: number
  readonly threshold: number
  readonly context: SealContext
  readonly contributions: AsyncIterable<Uint8Array>
  readonly answers: readonly { readonly holder: number; readonly share: Uint8Array }[]
}): Promise<OpenedSum> {
  const { ring, query, answers, threshold } = request
  const sealed = SealedSum.create(ring, slotLayoutOf(query, request.sites))
  try {
    for await (const contribution of request.contributions) sealed.add(contribution)
    const { key, suspects } = interpolateKey(ring, answers, threshold)
    const steps = openSum(ring, key, sealed, request.context)
    const wireStep = wireStepOf(query.grid)
    return { sum: { values: steps.map((value) => value * wireStep) }, suspects }
  } finally {
    sealed.dispose()
  }
}
