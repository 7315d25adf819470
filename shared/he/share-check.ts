import { createCipheriv, createHash } from 'node:crypto'
import { CodedError } from '../errors.ts'
import type { Digest, RoundId } from '../ids.ts'
import type { RandomSource } from '../ports.ts'
import { domainPrefix, encodeCanonical } from '../wire/canonical.ts'
import type { FrameRing } from './frame.ts'
import { fillUniform, innerProduct, inverse } from './residues.ts'
import { openShare } from './share.ts'

/**
 * Holders find out, before anybody contributes, whether a dealer's shares fit together (R24), without showing them. Let holder j
 * have f_k(j), k = 1..N, and the mask g(j). Its check value is v(j) = g(j) + sum_k r_k f_k(j) mod q, r drawn from the hash of
 * round and deal: after the dealer committed to every box, so it cannot suit its shares to r. (A batched check of verifiable
 * secret sharing, as in Bellare, Garay and Rabin 1998.) Let t be the threshold.
 *
 * - Honest dealers pass: g and all f_k are polynomials of degree below t, hence v is.
 * - Soundness. Values are on one polynomial of degree below t exactly if for every parity check w of the points, sum_j w_j v_j
 *   = 0. If some w finds g or an f_k wrong, that sum is G + sum_k r_k F_k with G, F_1 .. F_N not all zero and fixed before r.
 *   No F_k differs from zero: it is G, and always shows. Else it is zero for one in q of all r. So a wrong deal passes with
 *   probability 1/q, some 2^-58; a dealer that tries h deals in secret until one passes, with h/q, which is why passing is
 *   never taken as proof in deal-verdict.ts and a sum still has to open. Colluding holders may report what they like: the values
 *   of the honest ones must fit by themselves.
 * - Hiding. Let t - 1 colluding holders pool shares and masks with every v(j), so with all of v. For any key whatever there is one
 *   f_k through its coefficient k and the t - 1 shares, and then exactly one g = v - sum_k r_k f_k, which meets their masks. g
 *   is drawn uniformly, so every key is as likely as before. This needs a mask used for one r: one deal, one value; and that
 *   nothing else is said of g: answers leave the masks out.
 *
 * Values of t holders always fit: with m of them, wrong ones show from m = t + 1. Whose they are deal-verdict.ts finds out.
 */
export interface CheckedDeal {
  readonly round: RoundId
  /** SHA-256 of the signed body of the deal. */
  readonly deal: Digest
}

/** The bytes of AES-256 in counter mode from zero under SHA-256 of prefix "check" and [round, deal]: public and repeatable. */
const challengeBytes = ({ round, deal }: CheckedDeal): RandomSource => {
  const key = createHash('sha256')
    .update(domainPrefix('check'))
    .update(encodeCanonical([round, deal]))
    .digest()
  const cipher = createCipheriv('aes-256-ctr', key, new Uint8Array(16))
  return { fill: (bytes) => bytes.set(cipher.update(new Uint8Array(bytes.length))) }
}

/** The factors r of a deal, one a coefficient. */
export const challenge = (ring: FrameRing, checked: CheckedDeal): BigUint64Array => {
  const factors = new BigUint64Array(ring.degree)
  fillUniform(ring.q, factors, challengeBytes(checked))
  return factors
}

/**
 * What a holder says of its share of one deal: 8 bytes, little-endian, below q. Throws `FRAME_INVALID` for bytes that are no
 * share. Some 0.2 ms on the secure ring, so that a holder may do every dealer of a round on its main thread, and yield between
 * them.
 */
export const checkValue = (ring: FrameRing, checked: CheckedDeal, share: Uint8Array): Uint8Array<ArrayBuffer> => {
  const { residues, mask } = openShare(ring, share)
  const value = (mask + innerProduct(ring.q, residues, challenge(ring, checked))) % ring.q.value
  residues.fill(0n)
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, value, true)
  return bytes
}

/** The check value of the holder whose index is `holder`, from 1. */
export interface HolderValue {
  readonly holder: number
  readonly value: Uint8Array
}

/** The residue in a check value, or undefined where it is none. */
const residueOf = (ring: FrameRing, value: Uint8Array): bigint | undefined => {
  if (value.length !== 8) return undefined
  const residue = new DataView(value.buffer, value.byteOffset, 8).getBigUint64(0, true)
  return residue < ring.q.value ? residue : undefined
}

const checkPoints = (values: readonly HolderValue[], threshold: number): number[] => {
  const points = values.map(({ holder }) => holder)
  const valid = points.every((point) => Number.isSafeInteger(point) && point >= 1)
  if (!valid || new Set(points).size !== points.length || !Number.isSafeInteger(threshold) || threshold < 1) {
    throw new CodedError('ROUND_REFUSED', 'check values are of different holders, counted from 1')
  }
  return points
}

/**
 * Whether the check values of one deal are residues on one polynomial of degree below `threshold`. True of up to `threshold`
 * residues. Throws `ROUND_REFUSED` for a holder named twice. Cost: O(m^2) scalar products for m values.
 */
export const areConsistent = (ring: FrameRing, values: readonly HolderValue[], threshold: number): boolean => {
  const points = checkPoints(values, threshold)
  const residues = values.map(({ value }) => residueOf(ring, value))
  if (residues.includes(undefined)) return false
  const q = ring.q.value
  // The parity checks of such polynomials are w_j x_j^e, w_j = 1 / prod over i of (x_j - x_i), e below m - threshold.
  const terms = points.map((point, j) => {
    const below = points.reduce(
      (product, other) => (other === point ? product : (product * BigInt(point - other)) % q),
      1n,
    )
    return (inverse(ring.q, below) * (residues[j] as bigint)) % q
  })
  for (let power = 0; power < points.length - threshold; power++) {
    if (terms.reduce((sum, term) => sum + term, 0n) % q !== 0n) return false
    for (const [j, point] of points.entries()) terms[j] = ((terms[j] as bigint) * BigInt(point)) % q
  }
  return true
}
