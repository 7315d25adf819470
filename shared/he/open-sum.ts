import { CodedError } from '../errors.ts'
import { blockSeed, type SealContext } from './public-polynomial.ts'
import type { Ring } from './ring.ts'
import type { SealedSum } from './sealed-sum.ts'
import type { SummedKey } from './shamir.ts'
import { blockCount, unpackBlock } from './slots.ts'

/**
 * The exact sums of what the contributors sealed, `dimension` whole numbers. `key` must be the sum of exactly their keys and
 * `context` the one that all of them sealed for; anything else throws `AGGREGATE_INVALID`. Leaves `sum` as it is. About 1 ms a
 * block.
 */
export const openSum = (ring: Ring, key: SummedKey, sum: SealedSum, context: SealContext): Float64Array => {
  if (sum.contributors === 0) throw new CodedError('AGGREGATE_INVALID', 'nothing was contributed')
  const values = new Float64Array(sum.layout.dimension)
  const coefficients = new BigUint64Array(ring.degree)
  ring.withKey(key.residues(), (keyed) => {
    for (let block = 0; block < blockCount(ring, sum.layout); block++) {
      keyed.open(blockSeed(context, block), sum.block(block), coefficients)
      unpackBlock(sum.layout, sum.contributors, coefficients, block, values)
    }
  })
  return values
}
