import { CodedError } from '../errors.ts'
import { blockSeeds, type SealContext } from './public-polynomial.ts'
import type { Ring } from './ring.ts'
import type { SealedSum } from './sealed-sum.ts'
import type { SummedKey } from './shamir.ts'
import { blockCount, unpackBlock } from './slots.ts'

/**
 * The exact sums of what `contributors` sites sealed, `dimension` whole numbers. `sum` must hold all parts of exactly that many
 * vectors, `key` be the sum of exactly their keys and `context` the one that all of them sealed for; anything else throws
 * `AGGREGATE_INVALID`. Leaves `sum` as it is. Some 0.3 ms a block.
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
  const blocks = blockCount(ring, sum.layout)
  const values = new Float64Array(sum.layout.dimension)
  const opened = new BigUint64Array(2 * ring.degree)
  ring.withKey(key.residues(), (keyed) => {
    for (let block = 0; block < blocks; block += 2) {
      const sealed = sum.residues().subarray(block * ring.degree, (block + 2) * ring.degree)
      const first = opened.subarray(0, ring.degree)
      if (block + 1 < blocks) keyed.openTwo([seedOf(block), seedOf(block + 1)], sealed, opened)
      else keyed.open(seedOf(block), sealed, first)
      unpackBlock(sum.layout, contributors, first, block, values)
      if (block + 1 < blocks) unpackBlock(sum.layout, contributors, opened.subarray(ring.degree), block + 1, values)
    }
  })
  return values
}
