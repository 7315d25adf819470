import { openFrame } from '@tributary/shared/he/frame'
import { blockSeed } from '@tributary/shared/he/public-polynomial'
import { openShare } from '@tributary/shared/he/share'
import { largestError } from '@tributary/shared/he/thresholds'
import { lagrangeWeights } from '@tributary/shared/he/wrong-replies'
import type { SiteId } from '@tributary/shared/ids'
import { openBody } from '@tributary/shared/wire/body'
import { memberOf } from '@tributary/shared/wire/roster'
import type { AttemptFields } from '../../site-agent/policy/round-guard.ts'
import type { Adversary } from './adversary.ts'
import type { Learned } from './holdings.ts'
import { type KeyMix, keyMixes, type Told } from './key-mixes.ts'

type Term = { readonly factor: bigint; readonly residues: BigUint64Array }

/** Who was told which set, by places from 1; colluders are in none of it, as all of theirs is known. */
export interface Telling {
  readonly told: readonly Told[]
  readonly colluding: readonly number[]
  /** Honest dealers. */
  readonly dealers: readonly number[]
}

/** Every combination of answers that depends on keys only; where there is none, those of one unknown coefficient fewer: a guess. */
export const bestMixes = (adversary: Adversary, { told, colluding, dealers }: Telling): readonly KeyMix[] => {
  const { q } = adversary.ring
  for (let t = adversary.threshold; t > colluding.length; t--) {
    const mixes = keyMixes(q, t, colluding, told, dealers).filter(({ keys }) => keys.some((key) => key !== 0n))
    if (mixes.length > 0) return mixes
  }
  return []
}

/**
 * What the sum of contributions opens to under those combinations of answers: how many of its coefficients are the same sum of the
 * sites' numbers, within the errors. One block; all sites contributed and those of `told` answered.
 */
export const readMixes = (adversary: Adversary, fields: AttemptFields, telling: Telling): Learned => {
  const { q } = adversary.ring
  const of = adversary.layoutOf(fields.step).dimension
  const mixes = bestMixes(adversary, telling)
  let recovered = 0
  let width = 0n
  for (const mix of mixes) {
    const keys = small(mix.keys, q.value)
    const read = opened(
      adversary,
      fields,
      telling,
      keys.map((key) => reduced(key.factor, q.value)),
      {
        weights: mix.weights.map((weight) => (weight * keys[0]!.scale) % q.value),
      },
    )
    const errors = keys.reduce((sum, { factor }) => sum + (factor < 0n ? -factor : factor), 0n) * BigInt(largestError)
    width += 2n * errors + 1n
    recovered = Math.max(
      recovered,
      agreeing(
        adversary,
        fields,
        telling,
        keys.map(({ factor }) => factor),
        read,
        errors,
      ),
    )
  }
  return { recovered, of, chance: (of * Number(width)) / Number(q.value) }
}

const reduced = (value: bigint, q: bigint): bigint => ((value % q) + q) % q
const centred = (value: bigint, q: bigint): bigint => (value > q / 2n ? value - q : value)

/** The same combination with small whole numbers, so that the errors of the ciphertexts stay small in it; as it is where there are none. */
const small = (keys: readonly bigint[], q: bigint): { readonly factor: bigint; readonly scale: bigint }[] => {
  const first = keys.find((key) => key !== 0n) ?? 1n
  const inverse = power(first, q - 2n, q)
  for (let times = 1n; times <= 64n; times++) {
    const scale = (times * inverse) % q
    const factors = keys.map((key) => centred((key * scale) % q, q))
    if (factors.every((factor) => factor >= -1024n && factor <= 1024n))
      return factors.map((factor) => ({ factor, scale }))
  }
  return keys.map((key) => ({ factor: key === 0n ? 0n : 1n, scale: inverse }))
}

const power = (base: bigint, exponent: bigint, q: bigint): bigint => {
  let result = 1n
  for (let [square, left] = [base, exponent]; left > 0n; left >>= 1n, square = (square * square) % q)
    if (left & 1n) result = (result * square) % q
  return result
}

/** The weighted sum of the honest sites' ciphertexts under the key that the answers give. */
const opened = (
  adversary: Adversary,
  fields: AttemptFields,
  telling: Telling,
  keys: readonly bigint[],
  { weights }: Pick<KeyMix, 'weights'>,
): BigUint64Array => {
  const { ring, sites } = adversary
  const { round } = fields
  const { dealers, told, colluding } = telling
  const held = adversary.heard.holdings(adversary.colluders)
  const minus = (factor: bigint) => reduced(-factor, ring.q.value)
  const shareOf = (holder: number, dealer: number): BigUint64Array => {
    const name = sites[dealer - 1] as SiteId
    const share = held.shares.find((each) => each.round === round && each.holder === holder && each.dealer === name)
    if (share === undefined) throw new Error(`the share of ${name} at ${holder} is not known`)
    return share.residues
  }
  /** What is known of a dealer's polynomial at a place: its value at the colluders' places, carried there. */
  const known = (dealer: number, to: number): Term[] =>
    lagrangeWeights(ring.q, colluding, to).map((factor, i) => ({
      factor,
      residues: shareOf(colluding[i] as number, dealer),
    }))
  const terms: Term[] = []
  for (const [j, { holder, dealers: set }] of told.entries()) {
    const weight = weights[j] as bigint
    const site = adversary.holders[holder - 1] as SiteId
    const answer = adversary.round(fields).answers.find((each) => each.site === site)
    if (answer === undefined) continue
    const { share } = openBody('answer', answer.message, memberOf(adversary.roster, site))
    terms.push({ factor: weight, residues: openFrame(ring, share, 1) })
    for (const colluder of adversary.colluders) {
      const own = colluder.deals.get(round)?.shares[holder - 1] as Uint8Array
      terms.push({ factor: minus(weight), residues: openShare(ring, own).residues })
    }
    for (const dealer of set)
      for (const { factor, residues } of known(dealer, holder))
        terms.push({ factor: minus((weight * factor) % ring.q.value), residues })
  }
  for (const [v, dealer] of dealers.entries())
    for (const { factor, residues } of known(dealer, 0))
      terms.push({ factor: ((keys[v] as bigint) * factor) % ring.q.value, residues })
  const ciphertexts = dealers.map((dealer, v) => {
    const found = held.ciphertexts.find((each) => each.round === round && each.site === sites[dealer - 1])
    if (found === undefined) throw new Error(`${sites[dealer - 1]} contributed nothing`)
    return { factor: keys[v] as bigint, ...found }
  })
  const out = new BigUint64Array(ring.degree)
  const [{ context }] = ciphertexts as [(typeof ciphertexts)[0]]
  ring.withKey(ring.combine(terms), (keyed) => keyed.open(blockSeed(context, 0), ring.combine(ciphertexts), out))
  return out
}

/** Coefficients that hold the weighted sum of the sites' numbers, each as the plan packs it, give or take the errors. */
const agreeing = (
  adversary: Adversary,
  fields: AttemptFields,
  { dealers }: Telling,
  factors: readonly bigint[],
  read: BigUint64Array,
  errors: bigint,
): number => {
  const q = adversary.ring.q.value
  const { dimension, scaleBits, bound } = adversary.layoutOf(fields.step)
  const truths = dealers.map((dealer) => adversary.truthOf(fields, adversary.sites[dealer - 1] as SiteId))
  return Array.from({ length: dimension }, (_, i): number => {
    const sum = truths.reduce(
      (all, truth, v) => all + (factors[v] as bigint) * BigInt((truth[i] as number) + bound + 1),
      0n,
    )
    const off = centred(reduced((read[i] as bigint) - (sum << BigInt(scaleBits)), q), q)
    return off >= -errors && off <= errors ? 1 : 0
  }).reduce((sum, one) => sum + one, 0)
}
