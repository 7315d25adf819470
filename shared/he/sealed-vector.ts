import { CodedError } from '../errors.ts'
import { packFrame } from './frame.ts'
import { blocksOfPart, blocksPerPart, partCount } from './parts.ts'
import { blockSeeds, type SealContext } from './public-polynomial.ts'
import type { Ring } from './ring.ts'
import type { SiteKey } from './site-key.ts'
import { blockCount, checkLayout, packBlock, type SlotLayout } from './slots.ts'

/**
 * Seals `values` (whole numbers within the bound, `layout.dimension` of them) under a key used for nothing else: block b becomes
 * -a_b s + e + 2^scaleBits message. Returns the parts, in order. Throws `ROUND_REFUSED` when the key has sealed before (R3),
 * `PLAN_REFUSED` for a layout that could not open exactly, `INTERNAL` for values outside it. About 1 ms a block.
 */
export const sealVector = (
  ring: Ring,
  key: SiteKey,
  context: SealContext,
  layout: SlotLayout,
  values: Float64Array,
): Uint8Array<ArrayBuffer>[] => {
  checkLayout(ring.q, layout)
  if (values.length !== layout.dimension) {
    throw new CodedError('INTERNAL', `${values.length} values where the plan has ${layout.dimension}`)
  }
  const blocks = blockCount(ring, layout)
  const seedOf = blockSeeds(context)
  const message = new BigUint64Array(ring.degree)
  try {
    return ring.withKey(key.forSealing(), (keyed) =>
      Array.from({ length: partCount(blocks) }, (_, part) => {
        const residues = new BigUint64Array(blocksOfPart(blocks, part) * ring.degree)
        for (let start = 0; start < residues.length; start += ring.degree) {
          const block = part * blocksPerPart + start / ring.degree
          packBlock(layout, values, block, message)
          keyed.seal(seedOf(block), message, residues.subarray(start, start + ring.degree))
        }
        return packFrame(ring, residues)
      }),
    )
  } finally {
    message.fill(0n)
  }
}
