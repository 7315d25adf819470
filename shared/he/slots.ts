import { CodedError } from '../errors.ts'
import { count } from '../units.ts'
import { halves, type Modulus } from './residues.ts'
import { largestError, smallestScaleBits } from './thresholds.ts'

/**
 * How integers fill ring coefficients. Slot j of a coefficient holds v + bound + 1, so 1 <= slot <= 2 bound + 1 (R12), and the
 * message of the coefficient is 2^scaleBits times the sum over its k slots of slot_j 2^(j slotBits).
 *
 * Exactness. Let n contributors be added, w = slotBits, s = scaleBits, D = 2^s, M the sum of their slot sums in place, E the sum
 * of their errors, |E| <= 21 n < D / 2. What opens is x = D M + E modulo q.
 * (1) n (2 bound + 1) < 2^w: no slot sum carries into its neighbour.
 * (2) Every slot is at least 1, so M >= 1 and D M + E >= D - D / 2 > 0: no wrap below 0.
 * (3) With top = n (2 bound + 1) in every slot, D M_top + 21 n < q: no wrap above q.
 * So x is D M + E itself, an integer in (0, q), and M = floor((x + D / 2) / D) since -D / 2 < E < D / 2. `checkLayout` demands
 * (1) to (3) in exact integers. s + k w <= 57 implies (3) given (1), as D M_top + 21 n < 2^57 + 2^56 < q for a 58-bit q.
 */
export interface SlotLayout {
  /** Length of the vector. */
  readonly dimension: number
  /** Most contributions that may be added. */
  readonly contributors: number
  readonly valuesPerCoefficient: 1 | 2 | 3
  readonly slotBits: number
  readonly scaleBits: number
  /** Largest |value| of one contribution: what clamp + noiseBound folds to. */
  readonly bound: number
}

/** Numbers of up to 52 bits stay exact in the doubles that pack and unpack work in. */
const exactBits = 52

const refuse = (field: string, why: string): never => {
  throw new CodedError('PLAN_REFUSED', why, { place: { field } })
}

/** Throws `PLAN_REFUSED` naming the field unless sums of up to `contributors` vectors open exactly under q. */
export const checkLayout = (q: Modulus, layout: SlotLayout): void => {
  const { contributors: n, valuesPerCoefficient: k, slotBits: w, scaleBits: s, bound } = layout
  count('dimension', layout.dimension, 1)
  count('contributors', n, 1)
  count('bound', bound, 1)
  count('slot bits', w, 1)
  if (k !== 1 && k !== 2 && k !== 3) refuse('valuesPerCoefficient', 'one to three values fill a coefficient')
  if (count('scale bits', s, 1) < smallestScaleBits(n) || s > 31) {
    refuse('scaleBits', `${n} contributors need from ${smallestScaleBits(n)} to 31 scale bits`)
  }
  if (k * w > exactBits) refuse('slotBits', `the slots of a coefficient have at most ${exactBits} bits together`)
  const top = BigInt(n) * (2n * BigInt(bound) + 1n)
  if (top >= 1n << BigInt(w)) refuse('bound', `the sum of ${n} values may overflow a slot of ${w} bits`)
  let message = 0n
  for (let j = 0; j < k; j++) message = (message << BigInt(w)) + top
  if ((message << BigInt(s)) + BigInt(largestError * n) >= q.value) refuse('slotBits', 'the sum may exceed the modulus')
}

/** Blocks, that is polynomials, that one vector fills. */
export const blockCount = (ring: { readonly degree: number }, layout: SlotLayout): number =>
  Math.ceil(layout.dimension / (ring.degree * layout.valuesPerCoefficient))

/**
 * Writes the message of block `block` of `values` as coefficients into `out` (N entries, each below q). Places after the end of
 * the vector hold the value 0, so that every coefficient obeys the same proof. Throws `INTERNAL`, naming the index, for a value
 * that is not a whole number within the bound.
 */
export const packBlock = (layout: SlotLayout, values: Float64Array, block: number, out: BigUint64Array): void => {
  const { valuesPerCoefficient: k, slotBits, scaleBits, bound } = layout
  const words = halves(out)
  const slot = 2 ** slotBits
  const split = 2 ** (32 - scaleBits)
  const scale = 2 ** scaleBits
  let index = block * out.length * k
  for (let i = 0; i < words.length; i += 2) {
    let message = 0
    for (let j = 0, place = 1; j < k; j++, place *= slot) {
      const value = index < values.length ? values[index]! : 0
      if (!(value >= -bound && value <= bound && value === Math.floor(value))) {
        throw new CodedError('INTERNAL', `value ${index} is no whole number within the bound`)
      }
      message += (value + bound + 1) * place
      index++
    }
    const high = Math.floor(message / split)
    words[i] = (message - high * split) * scale
    words[i + 1] = high
  }
}

/** One slot of a block's coefficients: where its bits lie, what its sums may be, and where they go. */
interface SlotOfBlock {
  /** Its lowest bit in a coefficient, and how many it has. */
  readonly bit: number
  readonly bits: number
  readonly bias: number
  readonly reach: number
  /** The first `inside` coefficients hold entries `first`, `first + step`, .. of the vector, the others nothing. */
  readonly first: number
  readonly step: number
  readonly inside: number
}

/** Slots of up to this many bits are read as 32-bit integers, twice as fast as in doubles. */
const narrowBits = 30

/** Reads a slot of at most 30 bits out of all coefficients; false where a sum is out of reach. */
const readNarrow = (words: Uint32Array, place: SlotOfBlock, sums: Float64Array): boolean => {
  const { bit, bits, bias, reach, first, step, inside } = place
  const at = bit >> 5
  const shift = bit & 31
  // A slot that begins in the high half ends there: nothing is taken from beyond.
  const next = at === 0 ? -1 : 0
  const mask = 2 ** bits - 1
  let fits = true
  for (let i = 0, to = first; i < words.length; i += 2, to += step) {
    const value = ((words[i + at]! >>> shift) | ((words[i + 1]! & next) << (32 - shift))) & mask
    const sum = value - bias
    if (i < 2 * inside) {
      if (sum > reach || sum < -reach) fits = false
      sums[to] = sum
    } else if (sum !== 0) fits = false
  }
  return fits
}

/** The same for the one slot of a coefficient, of any length. */
const readWide = (
  words: Uint32Array,
  { bit, bias, reach, first, inside }: SlotOfBlock,
  sums: Float64Array,
): boolean => {
  const split = 2 ** (32 - bit)
  let fits = true
  for (let i = 0, to = first; i < words.length; i += 2, to++) {
    const sum = words[i + 1]! * split + (words[i]! >>> bit) - bias
    if (i < 2 * inside) {
      if (sum > reach || sum < -reach) fits = false
      sums[to] = sum
    } else if (sum !== 0) fits = false
  }
  return fits
}

/**
 * Adds D / 2 to every coefficient, so that its bits from D up are the message; false where the part below, less D / 2, is
 * beyond `error`, or the message has a bit at `end` or above.
 */
const roundMessages = (words: Uint32Array, scaleBits: number, error: number, end: number): boolean => {
  const half = 2 ** (scaleBits - 1)
  const below = 2 ** scaleBits - 1
  const beyondLow = end < 32 ? -1 << end : 0
  const beyondHigh = end <= 32 ? -1 : end < 64 ? -1 << (end - 32) : 0
  let beyond = 0
  let fits = true
  for (let i = 0; i < words.length; i += 2) {
    const low = (words[i]! + half) >>> 0
    const high = words[i + 1]! + (low < half ? 1 : 0)
    const off = (low & below) - half
    if (off > error || off < -error) fits = false
    beyond |= (low & beyondLow) | (high & beyondHigh)
    words[i] = low
    words[i + 1] = high
  }
  return fits && beyond === 0
}

/**
 * Reads the sums of block `block` from opened coefficients (N entries below q, overwritten) into `sums`, of which exactly
 * `contributors` were added. Throws `AGGREGATE_INVALID` when a slot is outside what that many can add up to, the part below the
 * scale exceeds 21 per contributor, or a place after the end of the vector is not 0: so shows a wrong key or a contribution
 * sealed for something else, of 4,096 coefficients all of which would have to pass by chance. Some 4 ns a value.
 */
export const unpackBlock = (
  layout: SlotLayout,
  contributors: number,
  coefficients: BigUint64Array,
  block: number,
  sums: Float64Array,
): void => {
  const { valuesPerCoefficient: step, slotBits: bits, scaleBits, bound } = layout
  const words = halves(coefficients)
  const bias = contributors * (bound + 1)
  const reach = contributors * bound
  let fits = roundMessages(words, scaleBits, largestError * contributors, scaleBits + step * bits)
  for (let slot = 0; slot < step; slot++) {
    const first = block * coefficients.length * step + slot
    const inside = Math.ceil((sums.length - first) / step)
    const place = { bit: scaleBits + slot * bits, bits, bias, reach, first, step, inside }
    if (!(bits <= narrowBits ? readNarrow : readWide)(words, place, sums)) fits = false
  }
  if (!fits) throw new CodedError('AGGREGATE_INVALID', 'the sum of keys does not open the sum of contributions')
}
