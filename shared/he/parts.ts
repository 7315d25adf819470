import { CodedError } from '../errors.ts'
import type { Digest } from '../ids.ts'
import { hashCanonical } from '../wire/canonical.ts'

/**
 * A sealed vector travels in parts, frames of up to eight blocks (some 240 kB on the secure ring), each checked, kept and added
 * by itself and in any order, so that no message is large and nobody holds a whole vector of every site.
 */
export const blocksPerPart = 8

/** Parts of a vector of `blocks` blocks. */
export const partCount = (blocks: number): number => Math.ceil(blocks / blocksPerPart)

/** Blocks of part `part`, from 0: eight, but for what is left to the last. Throws `FRAME_INVALID` where there is no such part. */
export const blocksOfPart = (blocks: number, part: number): number => {
  if (!(Number.isSafeInteger(part) && part >= 0 && part < partCount(blocks))) {
    throw new CodedError('FRAME_INVALID', `no part ${part} in a vector of ${blocks} blocks`, {
      place: { field: 'part' },
    })
  }
  return Math.min(blocksPerPart, blocks - part * blocksPerPart)
}

/** What a signed contribution says its bytes are: the hash over the SHA-256 of every part, in order. */
export const partsDigest = (hashes: readonly Digest[]): Digest => hashCanonical('parts', hashes)
