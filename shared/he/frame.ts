import { CodedError } from '../errors.ts'
import { packedLength, packResidues, residueBits, unpackResidues } from './packed-residues.ts'
import type { Modulus } from './residues.ts'

/**
 * How polynomials travel: a header of 16 bytes (magic "TRBF", version, bits of a residue, blocks, coefficients of one block; all
 * little-endian), then blocks x coefficients residues of that many bits side by side, in NTT order. Nothing of SEAL's own format
 * ever travels, and nothing reaches SEAL before `openFrame` has checked every bit.
 */
const headerBytes = 16
const magic = 0x46425254
const version = 2

/** What of a ring a frame depends on. */
export interface FrameRing {
  readonly degree: number
  readonly q: Modulus
}

/** Bytes of a frame of `blocks` blocks: 29,696 each for the secure ring, and 16. */
export const frameLength = (ring: FrameRing, blocks: number): number =>
  headerBytes + packedLength(ring.q, blocks * ring.degree)

/** The frame of whole blocks of residues, all below q. Throws `INTERNAL` for a length that is not whole blocks. */
export const packFrame = (ring: FrameRing, residues: BigUint64Array): Uint8Array<ArrayBuffer> => {
  const blocks = residues.length / ring.degree
  if (!Number.isInteger(blocks)) throw new CodedError('INTERNAL', 'a frame holds whole blocks')
  const length = frameLength(ring, blocks)
  const buffer = new ArrayBuffer(4 * Math.ceil(length / 4))
  const header = new DataView(buffer)
  header.setUint32(0, magic, true)
  header.setUint16(4, version, true)
  header.setUint16(6, residueBits(ring.q), true)
  header.setUint32(8, blocks, true)
  header.setUint32(12, ring.degree, true)
  packResidues(ring.q, residues, new Uint32Array(buffer, headerBytes))
  return new Uint8Array(buffer, 0, length)
}

const refuse = (field: string, why: string): never => {
  throw new CodedError('FRAME_INVALID', why, { place: { field } })
}

/**
 * The residues of a frame that came from elsewhere, `blocks` blocks after one another, in memory of their own. Throws
 * `FRAME_INVALID` naming the field, or the block and coefficient of the first residue that is not below q. Cost: one pass.
 */
export const openFrame = (ring: FrameRing, frame: Uint8Array, blocks: number): BigUint64Array<ArrayBuffer> => {
  if (frame.length < headerBytes) refuse('length', `${frame.length} bytes are too few for a header`)
  const header = new DataView(frame.buffer, frame.byteOffset, headerBytes)
  const [bits, wanted] = [header.getUint16(6, true), residueBits(ring.q)]
  if (header.getUint32(0, true) !== magic) refuse('magic', 'not a residue frame')
  if (header.getUint16(4, true) !== version)
    refuse('version', `frame version ${header.getUint16(4, true)}, not ${version}`)
  if (bits !== wanted) refuse('bits', `residues of ${bits} bits, not ${wanted}`)
  if (header.getUint32(8, true) !== blocks) refuse('blocks', `${header.getUint32(8, true)} blocks, not ${blocks}`)
  const degree = header.getUint32(12, true)
  if (degree !== ring.degree) refuse('coefficients', `${degree} coefficients a block, not ${ring.degree}`)
  const expected = frameLength(ring, blocks)
  if (frame.length !== expected) refuse('length', `${frame.length} bytes, not ${expected}`)
  const residues = new BigUint64Array(blocks * degree)
  const wrong = unpackResidues(ring.q, frame.subarray(headerBytes), residues)
  if (wrong >= 0) {
    const at = `coefficient ${wrong % degree} of block ${Math.floor(wrong / degree)}`
    refuse('residues', `${at} is not below the modulus`)
  }
  return residues
}
