import { CodedError } from '../errors.ts'
import type { RandomSource } from '../ports.ts'
import { newFrame } from './frame.ts'
import { blockSeed, type SealContext } from './public-polynomial.ts'
import { fillUniform } from './residues.ts'
import type { Ring } from './ring.ts'
import { blockCount, checkLayout, packBlock, type SlotLayout } from './slots.ts'

/**
 * A site's key for one attempt: uniform in R_q, dealt in shares and used for one vector. Never stored; `erase` when the attempt
 * is over. Overwriting is best effort: the runtime may have moved the memory before.
 */
export class SiteKey {
  readonly #residues: BigUint64Array
  #sealed = false
  #erased = false

  constructor(residues: BigUint64Array) {
    this.#residues = residues
  }

  /** The key for dealing shares. */
  forDealing(): BigUint64Array {
    this.#refuseErased()
    return this.#residues
  }

  /** The key for sealing, once: two vectors under one key open together (R3). Throws `ROUND_REFUSED` the second time. */
  forSealing(): BigUint64Array {
    this.#refuseErased()
    if (this.#sealed) throw new CodedError('ROUND_REFUSED', 'this key has sealed a vector already')
    this.#sealed = true
    return this.#residues
  }

  erase(): void {
    this.#erased = true
    this.#residues.fill(0n)
  }

  #refuseErased(): void {
    if (this.#erased) throw new CodedError('ROUND_REFUSED', 'this key was erased')
  }
}

/** A fresh key; `random` is an operating-system stream keyed for this attempt (R16). */
export const newSiteKey = (ring: Ring, random: RandomSource): SiteKey => {
  const residues = new BigUint64Array(ring.degree)
  fillUniform(ring.q, residues, random)
  return new SiteKey(residues)
}

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
