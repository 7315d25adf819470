import { CodedError } from '../errors.ts'
import { type FrameRing, frameLength, openFrame, packFrame } from './frame.ts'

/** What a holder gets of one deal: its value of the key's polynomials, in NTT order, and of the mask's. Secret. */
export interface Share {
  readonly residues: BigUint64Array
  readonly mask: bigint
}

const maskBytes = 8

/** Bytes of a share: a frame of one block, then the mask, little-endian. */
export const shareLength = (ring: FrameRing): number => frameLength(ring, 1) + maskBytes

/** The share as it lies in its box. */
export const packShare = (ring: FrameRing, { residues, mask }: Share): Uint8Array<ArrayBuffer> => {
  const share = new Uint8Array(shareLength(ring))
  const frame = packFrame(ring, residues)
  share.set(frame)
  frame.fill(0)
  new DataView(share.buffer).setBigUint64(share.length - maskBytes, mask, true)
  return share
}

/** Reads a share that a dealer wrote. Throws `FRAME_INVALID` naming the field, where it is none. */
export const openShare = (ring: FrameRing, share: Uint8Array): Share => {
  const expected = shareLength(ring)
  if (share.length !== expected) {
    throw new CodedError('FRAME_INVALID', `a share of ${share.length} bytes, not ${expected}`, {
      place: { field: 'length' },
    })
  }
  const mask = new DataView(share.buffer, share.byteOffset).getBigUint64(share.length - maskBytes, true)
  if (mask >= ring.q.value) {
    throw new CodedError('FRAME_INVALID', 'the mask is not below the modulus', { place: { field: 'mask' } })
  }
  return { residues: openFrame(ring, share.subarray(0, -maskBytes), 1), mask }
}
