import { CodedError } from '../errors.ts'
import { blockSeeds, type SealContext } from './public-polynomial.ts'
import type { Ring } from './ring.ts'
import type { SealedSum } from './sealed-sum.ts'
import type { SummedKey } from './shamir.ts'
import { blockCount, unpackBlock } from './slots.ts'

/**
 * The exact sums of what `contributors` sites sealed, `dimension` whole numbers. `sum` must hold all parts of exactly that many
 * vectors, `key` be the sum of exactly their keys and `context` the one that all of them sealed for; anything else throws
 * `AGGREGATE_INVALID`. Leaves `sum` as it is. Under 1 ms a block.
 */
export const openSum = (
  ring: Ring,
  key: SummedKey,
  sum: SealedSum,
  contributors: number,
  context: SealContext,
): Float64Array<ArrayBuffer> => {
  if (contributors < 1) throw new CodedError('AGGREGATE_INVALID', 'nothing was contributed')
  if (contributors > sum.layout.contributors) {
    throw new CodedError('AGGREGATE_INVALID', `at most ${sum.layout.contributors} contributions add up exactly`)
  }
  const seedOf = blockSeeds(context)
  const values = new Float64Array(sum.layout.dimension)
  const coefficients = new BigUint64Array(ring.degree)
  ring.withKey(key.residues(), (keyed) => {
    for (let block = 0; block < blockCount(ring, sum.layout); block++) {
      keyed.open(seedOf(block), sum.block(block), coefficients)
      unpackBlock(sum.layout, contributors, coefficients, block, values)
    }
  })
  return values
}
