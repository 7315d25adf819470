import { CodedError } from '../errors.ts'
import type { RandomSource } from '../ports.ts'
import { type FrameRing, openFrame, packFrame } from './frame.ts'
import { addInto, fillUniform, halves, multiplyAdd } from './residues.ts'
import type { Ring } from './ring.ts'
import { openShare, packShare } from './share.ts'
import type { SiteKey } from './site-key.ts'
import { lagrangeWeights, wrongReplies } from './wrong-replies.ts'

/** Shamir (1979) over Z_q, one polynomial a coefficient of R_q in NTT order; the holder with index j, from 1, gets its value at j. */
const mostHolders = 1024

const checkHolders = (holders: readonly number[], threshold: number): void => {
  const valid = holders.every((holder) => Number.isSafeInteger(holder) && holder >= 1 && holder <= mostHolders)
  if (!valid || new Set(holders).size !== holders.length) {
    throw new CodedError('ROUND_REFUSED', `holders are different whole numbers from 1 to ${mostHolders}`)
  }
  if (!Number.isSafeInteger(threshold) || threshold < 2) {
    throw new CodedError('ROUND_REFUSED', 'a threshold below 2 would hand the key to every holder')
  }
}

/** Values at the holders of a polynomial whose constant term is given and whose others are drawn. */
const evaluations = (
  ring: FrameRing,
  constant: BigUint64Array,
  threshold: number,
  holders: readonly number[],
  random: RandomSource,
): BigUint64Array[] => {
  const higher = Array.from({ length: threshold - 1 }, () => {
    const coefficient = new BigUint64Array(constant.length)
    fillUniform(ring.q, coefficient, random)
    return coefficient
  })
  const values = holders.map((holder) => {
    const value = higher[threshold - 2]!.slice()
    for (let power = threshold - 3; power >= 0; power--) multiplyAdd(ring.q, value, holder, higher[power]!)
    multiplyAdd(ring.q, value, holder, constant)
    return value
  })
  for (const coefficient of higher) coefficient.fill(0n)
  return values
}

/**
 * Splits `key`, and a mask drawn beside it for the check of share-check.ts, so that `threshold` of the holders rebuild it and
 * fewer know nothing. Returns one share (share.ts) a holder, in order; each is secret and goes into that holder's box. Throws
 * `ROUND_REFUSED`. Cost O(threshold x holders x N).
 */
export const dealShares = (
  ring: FrameRing,
  key: SiteKey,
  threshold: number,
  holders: readonly number[],
  random: RandomSource,
): Uint8Array<ArrayBuffer>[] => {
  checkHolders(holders, threshold)
  if (threshold > holders.length)
    throw new CodedError('ROUND_REFUSED', `${threshold} shares of ${holders.length} rebuild`)
  const mask = new BigUint64Array(1)
  fillUniform(ring.q, mask, random)
  const masks = evaluations(ring, mask, threshold, holders, random)
  const residues = evaluations(ring, key.forDealing(), threshold, holders, random)
  const shares = residues.map((values, i) => packShare(ring, { residues: values, mask: masks[i]![0]! }))
  for (const secret of [mask, ...masks, ...residues]) secret.fill(0n)
  return shares
}

/** The sum of shares of one holder, masks left out: the frame of its share of the sum of keys. Throws `FRAME_INVALID`. */
export const sumShares = (ring: FrameRing, shares: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const sum = new BigUint64Array(ring.degree)
  for (const share of shares) {
    const { residues } = openShare(ring, share)
    addInto(ring.q, sum, residues)
    residues.fill(0n)
  }
  return packFrame(ring, sum)
}

/** The sum of the contributors' keys: opens their sum and nothing else. */
export class SummedKey {
  readonly #residues: BigUint64Array

  constructor(residues: BigUint64Array) {
    this.#residues = residues
  }

  residues(): BigUint64Array {
    return this.#residues
  }

  erase(): void {
    this.#residues.fill(0n)
  }
}

interface Reply {
  readonly holder: number
  readonly residues: BigUint64Array
}

const carry = (ring: Ring, base: readonly Reply[], to: number): BigUint64Array => {
  const points = base.map(({ holder }) => holder)
  const weights = lagrangeWeights(ring.q, points, to)
  return ring.combine(base.map(({ residues }, index) => ({ factor: weights[index]!, residues })))
}

/** The first coefficient in which the replies are not one polynomial of degree below `threshold`, or -1. */
const firstDisagreement = (ring: Ring, replies: readonly Reply[], threshold: number): number => {
  const base = replies.slice(0, threshold)
  for (const { holder, residues } of replies.slice(threshold)) {
    const expected = halves(carry(ring, base, holder))
    const actual = halves(residues)
    const at = actual.findIndex((half, index) => half !== expected[index])
    if (at >= 0) return at >> 1
  }
  return -1
}

/** Replies in order of holder with those that disagree taken out, or undefined when they cannot be told. */
const withoutWrong = (ring: Ring, replies: readonly Reply[], threshold: number): readonly Reply[] | undefined => {
  const spare = Math.floor((replies.length - threshold) / 2)
  const wrong = new Set<number>()
  for (;;) {
    const kept = replies.filter((_, index) => !wrong.has(index))
    const at = firstDisagreement(ring, kept, threshold)
    if (at < 0) return kept
    const found = wrongReplies(
      ring.q,
      replies.map(({ holder }) => holder),
      replies.map(({ residues }) => residues[at]!),
      threshold,
    )
    if (found === undefined) return undefined
    const before = wrong.size
    for (const index of found) wrong.add(index)
    // Beyond `spare` in all, another set of replies could be the wrong one.
    if (wrong.size > spare || wrong.size === before) return undefined
  }
}

/**
 * Rebuilds the sum of keys from at least `threshold` replies (`sumShares` frames). With exactly that many a wrong reply cannot
 * be seen here (the sum then fails to open); with more, all must agree; with two more for each wrong reply, the wrong ones are
 * named and left out. Suspects are only named: a bad dealer makes honest holders look wrong (R24). Throws `AGGREGATE_INVALID`
 * when replies are too few, or disagree and cannot be told apart; `FRAME_INVALID`, `ROUND_REFUSED` for malformed ones.
 */
export const interpolateKey = (
  ring: Ring,
  replies: readonly { readonly holder: number; readonly share: Uint8Array }[],
  threshold: number,
): { readonly key: SummedKey; readonly suspects: number[]; readonly consistent: boolean } => {
  const holders = replies.map(({ holder }) => holder)
  checkHolders(holders, threshold)
  if (replies.length < threshold) {
    throw new CodedError('AGGREGATE_INVALID', `${replies.length} replies where ${threshold} are needed`)
  }
  const all = replies
    .map(({ holder, share }) => ({ holder, residues: openFrame(ring, share, 1) }))
    .sort((a, b) => a.holder - b.holder)
  const good = withoutWrong(ring, all, threshold)
  if (good === undefined)
    throw new CodedError('AGGREGATE_INVALID', 'the replies disagree and the wrong one cannot be told')
  const suspects = all.filter((reply) => !good.includes(reply)).map(({ holder }) => holder)
  return {
    key: new SummedKey(carry(ring, good.slice(0, threshold), 0)),
    suspects,
    consistent: suspects.length === 0,
  }
}
