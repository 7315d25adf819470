import { CodedError } from '../errors.ts'
import { firstUnreduced, type Modulus } from './residues.ts'

/**
 * How polynomials travel: a header of 16 bytes (magic "TRBF", version, a reserved zero, blocks, coefficients of one block; all
 * little-endian), then blocks x coefficients residues of 8 bytes, little-endian, in NTT order. Nothing of SEAL's own format ever
 * travels, and nothing reaches SEAL before `openFrame` has checked every byte.
 */
const headerBytes = 16
const magic = 0x46425254
const version = 1

/** What of a ring a frame depends on. */
export interface FrameRing {
  readonly degree: number
  readonly q: Modulus
}

/** Bytes of a frame of `blocks` blocks. */
export const frameLength = (ring: Pick<FrameRing, 'degree'>, blocks: number): number =>
  headerBytes + blocks * ring.degree * 8

/** An empty frame and the residues inside it, one view of the same memory. */
export const newFrame = (
  ring: Pick<FrameRing, 'degree'>,
  blocks: number,
): { readonly frame: Uint8Array<ArrayBuffer>; readonly residues: BigUint64Array } => {
  const frame = new Uint8Array(frameLength(ring, blocks))
  const header = new DataView(frame.buffer)
  header.setUint32(0, magic, true)
  header.setUint16(4, version, true)
  header.setUint32(8, blocks, true)
  header.setUint32(12, ring.degree, true)
  return { frame, residues: new BigUint64Array(frame.buffer, headerBytes) }
}

const refuse = (field: string, why: string): never => {
  throw new CodedError('FRAME_INVALID', why, { place: { field } })
}

/**
 * The residues of a frame that came from elsewhere, `blocks` blocks after one another. They are a view of `frame` where its
 * alignment allows, so they are to be read, not written. Throws `FRAME_INVALID` naming the field, or the offset in bytes of the
 * first residue that is not below q. Cost: one pass.
 */
export const openFrame = (ring: FrameRing, frame: Uint8Array, blocks: number): BigUint64Array => {
  if (frame.length < headerBytes) refuse('length', `${frame.length} bytes are too few for a header`)
  const header = new DataView(frame.buffer, frame.byteOffset, headerBytes)
  if (header.getUint32(0, true) !== magic) refuse('magic', 'not a residue frame')
  if (header.getUint16(4, true) !== version)
    refuse('version', `frame version ${header.getUint16(4, true)}, not ${version}`)
  if (header.getUint16(6, true) !== 0) refuse('reserved', 'a reserved field that is not zero')
  if (header.getUint32(8, true) !== blocks) refuse('blocks', `${header.getUint32(8, true)} blocks, not ${blocks}`)
  const degree = header.getUint32(12, true)
  if (degree !== ring.degree) refuse('coefficients', `${degree} coefficients a block, not ${ring.degree}`)
  const expected = frameLength(ring, blocks)
  if (frame.length !== expected) refuse('length', `${frame.length} bytes, not ${expected}`)
  const body = frame.byteOffset + headerBytes
  const residues =
    body % 8 === 0
      ? new BigUint64Array(frame.buffer, body, blocks * degree)
      : new BigUint64Array(frame.slice(headerBytes).buffer, 0, blocks * degree)
  const wrong = firstUnreduced(ring.q, residues)
  if (wrong >= 0) refuse('residues', `the residue at byte ${headerBytes + wrong * 8} is not below the modulus`)
  return residues
}
