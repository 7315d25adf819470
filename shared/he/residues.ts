import type { RandomSource } from '../ports.ts'

/**
 * Arithmetic on vectors of residues modulo one prime q, 2^33 < q < 2^59. A vector is a BigUint64Array in memory and is worked
 * on through its 32-bit halves (low, high), because BigInt arithmetic costs some thirty times as much. Every operation is exact
 * in doubles and costs O(length). Not constant-time: none of it runs where its time can be seen from outside the program.
 */

/** q and its halves. */
export interface Modulus {
  readonly value: bigint
  readonly low: number
  readonly high: number
}

const word = 2 ** 32
/** Factors below this keep every product of `multiplyAdd` below 2^53. */
export const largestFactor = 2 ** 20

export const modulusOf = (value: bigint): Modulus => ({
  value,
  low: Number(value & 0xffffffffn),
  high: Number(value >> 32n),
})

/** The same memory as (low, high) pairs. */
export const halves = (residues: BigUint64Array): Uint32Array =>
  new Uint32Array(residues.buffer, residues.byteOffset, residues.length * 2)

/**
 * sum += term, entry by entry; both reduced before and after. Without branches, here and in `subtractFrom`: on uniform residues
 * every second one would be predicted wrong, which costs three times as much.
 */
export const addInto = (modulus: Modulus, sum: BigUint64Array, term: BigUint64Array): void => {
  const { low: qLow, high: qHigh } = modulus
  const a = halves(sum)
  const b = halves(term)
  for (let i = 0; i < a.length; i += 2) {
    const x = a[i]!
    const y = b[i]!
    const low = (x + y) | 0
    const carry = ((x & y) | ((x | y) & ~low)) >>> 31
    const high = (a[i + 1]! + b[i + 1]! + carry) | 0
    const lessLow = (low - qLow) | 0
    const borrow = ((~low & qLow) | ((~low | qLow) & lessLow)) >>> 31
    const lessHigh = (high - qHigh - borrow) | 0
    // All ones where the sum was below q already.
    const keep = lessHigh >> 31
    a[i] = (low & keep) | (lessLow & ~keep)
    a[i + 1] = (high & keep) | (lessHigh & ~keep)
  }
}

/** difference -= term, entry by entry; both reduced before and after. */
export const subtractFrom = (modulus: Modulus, difference: BigUint64Array, term: BigUint64Array): void => {
  const { low: qLow, high: qHigh } = modulus
  const a = halves(difference)
  const b = halves(term)
  for (let i = 0; i < a.length; i += 2) {
    const x = a[i]!
    const y = b[i]!
    const low = (x - y) | 0
    const borrow = ((~x & y) | ((~x | y) & low)) >>> 31
    const high = (a[i + 1]! - b[i + 1]! - borrow) | 0
    // All ones where q has to be added.
    const below = high >> 31
    const add = qLow & below
    const sumLow = (low + add) | 0
    const carry = ((low & add) | ((low | add) & ~sumLow)) >>> 31
    a[i] = sumLow
    a[i + 1] = high + (qHigh & below) + carry
  }
}

/** accumulator = accumulator * factor + term: one step of Horner's rule at a small point, 0 <= factor < largestFactor. */
export const multiplyAdd = (
  modulus: Modulus,
  accumulator: BigUint64Array,
  factor: number,
  term: BigUint64Array,
): void => {
  const { low: qLow, high: qHigh } = modulus
  const scaled = qHigh + qLow / word
  const a = halves(accumulator)
  const b = halves(term)
  for (let i = 0; i < a.length; i += 2) {
    const bottom = a[i]! * factor + b[i]!
    const carry = Math.floor(bottom / word)
    const top = a[i + 1]! * factor + b[i + 1]! + carry
    // The quotient is below 2^21, so its estimate in doubles is off by one at most.
    const quotient = Math.floor((top + (bottom - carry * word) / word) / scaled)
    const below = bottom - carry * word - quotient * qLow
    const borrow = Math.floor(below / word)
    let low = below - borrow * word
    let high = top - quotient * qHigh + borrow
    if (high < 0) {
      low += qLow
      high += qHigh
      if (low >= word) {
        low -= word
        high++
      }
    } else if (high > qHigh || (high === qHigh && low >= qLow)) {
      low -= qLow
      high -= qHigh
      if (low < 0) {
        low += word
        high--
      }
    }
    a[i] = low
    a[i + 1] = high
  }
}

/** Bits of one limb of `innerProduct`: three hold a residue. */
const limb = 20
const limbMask = 2 ** limb - 1

/**
 * The sum of a_i b_i modulo q. Products of 20-bit limbs are added up in doubles, by the power of two they stand for: with 4,096
 * entries at a time each of the five sums is below 2^53, so all of it is exact.
 */
export const innerProduct = (modulus: Modulus, a: BigUint64Array, b: BigUint64Array): bigint => {
  const x = halves(a)
  const y = halves(b)
  let total = 0n
  for (let start = 0; start < x.length; start += 8192) {
    const end = Math.min(start + 8192, x.length)
    let [s0, s1, s2, s3, s4] = [0, 0, 0, 0, 0]
    for (let i = start; i < end; i += 2) {
      const x0 = x[i]! & limbMask
      const x1 = (x[i]! >>> limb) | ((x[i + 1]! & 255) << 12)
      const x2 = x[i + 1]! >>> 8
      const y0 = y[i]! & limbMask
      const y1 = (y[i]! >>> limb) | ((y[i + 1]! & 255) << 12)
      const y2 = y[i + 1]! >>> 8
      s0 += x0 * y0
      s1 += x0 * y1 + x1 * y0
      s2 += x0 * y2 + x1 * y1 + x2 * y0
      s3 += x1 * y2 + x2 * y1
      s4 += x2 * y2
    }
    for (const [power, sum] of [s0, s1, s2, s3, s4].entries()) total += BigInt(sum) << BigInt(limb * power)
  }
  return total % modulus.value
}

/** Overwrites `residues` with independent uniform residues, by rejection from words cut to q's length. */
export const fillUniform = (modulus: Modulus, residues: BigUint64Array, random: RandomSource): void => {
  const { low: qLow, high: qHigh } = modulus
  const mask = 2 ** (32 - Math.clz32(qHigh)) - 1
  const a = halves(residues)
  random.fill(new Uint8Array(residues.buffer, residues.byteOffset, residues.byteLength))
  for (let i = 0; i < a.length; i += 2) {
    a[i + 1] = a[i + 1]! & mask
    while (a[i + 1]! > qHigh || (a[i + 1] === qHigh && a[i]! >= qLow)) {
      random.fill(new Uint8Array(residues.buffer, residues.byteOffset + i * 4, 8))
      a[i + 1] = a[i + 1]! & mask
    }
  }
}

/** value^-1 modulo the prime q (Fermat); scalars only. */
export const inverse = (modulus: Modulus, value: bigint): bigint => {
  const q = modulus.value
  let base = ((value % q) + q) % q
  let result = 1n
  for (let e = q - 2n; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * base) % q
    base = (base * base) % q
  }
  return result
}
