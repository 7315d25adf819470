import { CodedError } from '../errors.ts'
import { newFrame } from './frame.ts'
import { blockSeed, type SealContext } from './public-polynomial.ts'
import type { Ring } from './ring.ts'
import type { SiteKey } from './site-key.ts'
import { blockCount, checkLayout, packBlock, type SlotLayout } from './slots.ts'

/**
 * Seals `values` (whole numbers within the bound, `layout.dimension` of them) under a key used for nothing else: block b becomes
 * -a_b s + e + 2^scaleBits message. Returns the frame. Throws `ROUND_REFUSED` when the key has sealed before (R3),
 * `PLAN_REFUSED` for a layout that could not open exactly, `INTERNAL` for values outside it. About 1 ms a block.
 */
export const sealVector = (
  ring: Ring,
  key: SiteKey,
  context: SealContext,
  layout: SlotLayout,
  values: Float64Array,
): Uint8Array => {
  checkLayout(ring.q, layout)
  if (values.length !== layout.dimension) {
    throw new CodedError('INTERNAL', `${values.length} values where the plan has ${layout.dimension}`)
  }
  const blocks = blockCount(ring, layout)
  const { frame, residues } = newFrame(ring, blocks)
  const message = new BigUint64Array(ring.degree)
  try {
    ring.withKey(key.forSealing(), (keyed) => {
      for (let block = 0; block < blocks; block++) {
        packBlock(layout, values, block, message)
        const out = residues.subarray(block * ring.degree, (block + 1) * ring.degree)
        keyed.seal(blockSeed(context, block), message, out)
      }
    })
  } finally {
    message.fill(0n)
  }
  return frame
}
