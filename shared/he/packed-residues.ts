import { halves, type Modulus } from './residues.ts'

/**
 * Residues side by side in as few bits as their modulus has: entry i lies in bits i b to (i + 1) b - 1 of the bytes, counted
 * from the lowest bit of the first byte. b is from 34 to 59 here, so an entry begins in one 32-bit word and ends in the next or
 * the one after it.
 */

/** Bits of one packed residue: those of q. */
export const residueBits = ({ high }: Modulus): number => 64 - Math.clz32(high)

/** Bytes of `count` packed residues. A ring's degree is a power of two and at least 8, so that its blocks end with a byte. */
export const packedLength = (modulus: Modulus, count: number): number => Math.ceil((count * residueBits(modulus)) / 8)

/** Packs `residues`, all below q, into words that are zero and as many as they need. Cost: one pass, some 2 ns an entry. */
export const packResidues = (modulus: Modulus, residues: BigUint64Array, words: Uint32Array): void => {
  const bits = residueBits(modulus)
  const a = halves(residues)
  let word = 0
  let shift = 0
  for (let i = 0; i < a.length; i += 2) {
    const low = a[i]!
    const high = a[i + 1]!
    if (shift === 0) {
      words[word] = low
      words[word + 1] = high
    } else {
      words[word] = words[word]! | (low << shift)
      words[word + 1] = (low >>> (32 - shift)) | (high << shift)
      if (shift + bits > 64) words[word + 2] = high >>> (32 - shift)
    }
    shift += bits
    word += shift >>> 5
    shift &= 31
  }
}

/** The same bytes as words: in place where they lie so, else copied. */
const wordsOf = (bytes: Uint8Array): Uint32Array => {
  if (bytes.byteOffset % 4 === 0 && bytes.length % 4 === 0) {
    return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  }
  const words = new Uint32Array(Math.ceil(bytes.length / 4))
  new Uint8Array(words.buffer).set(bytes)
  return words
}

/**
 * Reads as many entries as `out` has from `bytes` into it. Returns the position of the first that is not below q, or -1; `out`
 * holds nothing of use otherwise.
 */
export const unpackResidues = (modulus: Modulus, bytes: Uint8Array, out: BigUint64Array): number => {
  const { low: qLow, high: qHigh } = modulus
  const bits = residueBits(modulus)
  const mask = 2 ** (bits - 32) - 1
  const words = wordsOf(bytes)
  const a = halves(out)
  let word = 0
  let shift = 0
  for (let i = 0; i < a.length; i += 2) {
    let low = words[word]!
    let high = words[word + 1]!
    if (shift !== 0) {
      low = ((low >>> shift) | (high << (32 - shift))) >>> 0
      high >>>= shift
      if (shift + bits > 64) high |= words[word + 2]! << (32 - shift)
    }
    high &= mask
    if (high > qHigh || (high === qHigh && low >= qLow)) return i >> 1
    a[i] = low
    a[i + 1] = high
    shift += bits
    word += shift >>> 5
    shift &= 31
  }
  return -1
}
