import { openFrame } from '@tributary/shared/he/frame'
import type { SealContext } from '@tributary/shared/he/public-polynomial'
import { blockSeed } from '@tributary/shared/he/public-polynomial'
import { blocksOfPart } from '@tributary/shared/he/parts'
import { addInto } from '@tributary/shared/he/residues'
import type { Ring } from '@tributary/shared/he/ring'
import { blockCount, type SlotLayout } from '@tributary/shared/he/slots'
import { lagrangeWeights } from '@tributary/shared/he/wrong-replies'
import type { RoundId, SiteId } from '@tributary/shared/ids'

type Residues = BigUint64Array

export interface Ciphertext {
  readonly round: RoundId
  readonly site: SiteId
  readonly context: SealContext
  readonly layout: SlotLayout
  readonly residues: Residues
}

/** One holder's share of one dealer's key. */
export interface KnownShare {
  readonly round: RoundId
  readonly dealer: SiteId
  /** From 1. */
  readonly holder: number
  readonly residues: Residues
}

/** One holder's answer: the sum of its shares of the keys of `dealers`. */
export interface KnownAnswer {
  readonly round: RoundId
  readonly dealers: readonly SiteId[]
  readonly holder: number
  readonly residues: Residues
}

/** Every ciphertext, share and answer that the adversary ever saw, and the colluders' own vectors. */
export interface Holdings {
  readonly ciphertexts: Ciphertext[]
  readonly shares: KnownShare[]
  readonly answers: KnownAnswer[]
  /** What colluders contributed. */
  readonly vectors: { readonly round: RoundId; readonly site: SiteId; readonly values: Float64Array }[]
}

export const noHoldings = (): Holdings => ({ ciphertexts: [], shares: [], answers: [], vectors: [] })

export const withMore = (held: Holdings, more: Partial<Holdings>): Holdings => ({
  ciphertexts: [...held.ciphertexts, ...(more.ciphertexts ?? [])],
  shares: [...held.shares, ...(more.shares ?? [])],
  answers: [...held.answers, ...(more.answers ?? [])],
  vectors: [...held.vectors, ...(more.vectors ?? [])],
})

/** The residues of a contribution's parts, one after another. */
export const residuesOf = (ring: Ring, layout: SlotLayout, parts: readonly Uint8Array[]): Residues => {
  const blocks = blockCount(ring, layout)
  const all = new BigUint64Array(blocks * ring.degree)
  let at = 0
  for (const [part, frame] of parts.entries()) {
    const opened = openFrame(ring, frame, blocksOfPart(blocks, part))
    all.set(opened, at)
    at += opened.length
  }
  return all
}

export interface Learned {
  /** Most integers of the victim's vector that any one attempt gave exactly. */
  readonly recovered: number
  readonly of: number
  /** Integers that all attempts together would hit by guessing. */
  readonly chance: number
}

const same = (a: readonly SiteId[], b: readonly SiteId[]) =>
  a.length === b.length && a.every((site) => b.includes(site))

/**
 * What an adversary with `held` reads of one site's vector in one round, by everything it can try: each set it has answers for, and
 * the site alone; interpolation with what points there are, with zeros, copies and answers for other sets in the place of missing
 * ones; the differences of any two such keys; no key at all; the differences of any two opened sums, colluders' own vectors taken
 * away. The engine only counts entries that agree with `truth`; it refuses nothing that an opening would refuse.
 */
export class Reading {
  readonly #ring: Ring
  readonly #held: Holdings
  readonly #threshold: number
  readonly #victim: Ciphertext
  readonly #truth: Float64Array
  #tries = 0
  #best = 0

  constructor(
    ring: Ring,
    held: Holdings,
    victim: {
      readonly round: RoundId
      readonly site: SiteId
      readonly truth: Float64Array
      readonly threshold: number
    },
  ) {
    const found = held.ciphertexts.find(({ round, site }) => round === victim.round && site === victim.site)
    if (found === undefined) throw new Error('the adversary does not even hold the ciphertext')
    this.#ring = ring
    this.#held = held
    this.#threshold = victim.threshold
    this.#victim = found
    this.#truth = victim.truth
  }

  all(): Learned {
    const { round, site } = this.#victim
    const answers = this.#held.answers.filter((answer) => answer.round === round)
    const sets: (readonly SiteId[])[] = [[site]]
    for (const { dealers } of answers) if (!sets.some((set) => same(set, dealers))) sets.push(dealers)
    const keysOfSets = sets.map((set) => ({ set, keys: this.#keysOf(set, answers) }))
    // Keys on the site's own ciphertext: its own, anybody's, none, and what two of them leave.
    const keys = [new BigUint64Array(this.#ring.degree), ...keysOfSets.flatMap(({ keys: of }) => of)]
    for (const key of keys) this.#read([this.#victim], key, [])
    const whole = keysOfSets.flatMap(({ keys: of }) => of.slice(0, 1))
    for (const [i, left] of whole.entries())
      for (const [j, right] of whole.entries()) if (i !== j) this.#read([this.#victim], this.#combined(left, right), [])
    // Sums as they open, less what colluders know, and their differences, also of other rounds.
    const sums = this.#openedSums()
    for (const { values } of sums) this.#count(values)
    for (const [i, left] of sums.entries())
      for (const [j, right] of sums.entries())
        if (i !== j) this.#count(left.values.map((value, at) => value - (right.values[at] ?? 0)))
    for (const { set, keys: of } of keysOfSets)
      for (const key of of.slice(0, 4)) {
        const terms = this.#ciphertextsOf(round, set)
        if (terms !== undefined) this.#read(terms, key, set)
      }
    const { bound } = this.#victim.layout
    const chance = (this.#tries * this.#truth.length) / (2 * bound + 1)
    return { recovered: this.#best, of: this.#truth.length, chance }
  }

  /** Every opened sum over a set of any round, with the keys that enough answers give. */
  #openedSums(): { readonly values: Float64Array }[] {
    const sums: { readonly values: Float64Array }[] = []
    for (const round of new Set(this.#held.answers.map((each) => each.round))) {
      const answers = this.#held.answers.filter((each) => each.round === round)
      const sets: (readonly SiteId[])[] = []
      for (const { dealers } of answers) if (!sets.some((set) => same(set, dealers))) sets.push(dealers)
      for (const set of sets) {
        const points = this.#pointsOf(set, answers, round)
        const terms = this.#ciphertextsOf(round, set)
        if (points.length < this.#threshold || terms === undefined) continue
        const values = this.#open(terms, this.#at0(points.slice(0, this.#threshold)))
        for (const own of this.#held.vectors.filter((each) => each.round === round && set.includes(each.site)))
          for (const [i, value] of own.values.entries()) values[i]! -= value
        sums.push({ values })
      }
    }
    return sums
  }

  #ciphertextsOf(round: RoundId, set: readonly SiteId[]): readonly Ciphertext[] | undefined {
    const found = set.flatMap(
      (site) => this.#held.ciphertexts.find((each) => each.round === round && each.site === site) ?? [],
    )
    return found.length === set.length ? found : undefined
  }

  /** Shares of the sum of the keys of `set` that can be put together: known one by one, or answered and corrected by known ones. */
  #pointsOf(set: readonly SiteId[], answers: readonly KnownAnswer[], round: RoundId) {
    const shareOf = new Map<string, Residues>()
    for (const each of this.#held.shares)
      if (each.round === round) shareOf.set(`${each.holder} ${each.dealer}`, each.residues)
    const holders = new Set([...this.#held.shares, ...answers].map(({ holder }) => holder))
    const points: { holder: number; residues: Residues }[] = []
    for (const holder of [...holders].toSorted((a, b) => a - b)) {
      const of = (dealer: SiteId) => shareOf.get(`${holder} ${dealer}`)
      const starts: { plus: Residues[]; have: readonly SiteId[] }[] = [
        { plus: [], have: [] },
        ...answers
          .filter((each) => each.holder === holder)
          .map((each) => ({ plus: [each.residues], have: each.dealers })),
      ]
      for (const { plus, have } of starts) {
        const more = set.filter((dealer) => !have.includes(dealer)).map(of)
        const less = have.filter((dealer) => !set.includes(dealer)).map(of)
        if ([...more, ...less].includes(undefined)) continue
        const terms = [
          ...[...plus, ...(more as Residues[])].map((residues) => ({ factor: 1n, residues })),
          ...(less as Residues[]).map((residues) => ({ factor: this.#ring.q.value - 1n, residues })),
        ]
        if (terms.length === 0) continue
        points.push({ holder, residues: this.#ring.combine(terms) })
        break
      }
    }
    return points
  }

  /** Candidate keys for a set, the honest interpolation first. */
  #keysOf(set: readonly SiteId[], answers: readonly KnownAnswer[]): Residues[] {
    const points = this.#pointsOf(set, answers, this.#victim.round)
    if (points.length >= this.#threshold) return [this.#at0(points.slice(0, this.#threshold))]
    const missing = this.#threshold - points.length
    const have = new Set(points.map(({ holder }) => holder))
    const zero = new BigUint64Array(this.#ring.degree)
    const filled = (fills: readonly { holder: number; residues: Residues }[]) =>
      this.#at0([...points, ...fills].slice(0, this.#threshold))
    const free: number[] = []
    for (let holder = 1; free.length < missing; holder++) if (!have.has(holder)) free.push(holder)
    const others = answers.filter(({ holder }) => !have.has(holder)).slice(0, missing)
    const elsewhere = this.#held.answers
      .filter(({ round, holder }) => round !== this.#victim.round && !have.has(holder))
      .slice(0, missing)
    const first = points[0]?.residues ?? others[0]?.residues ?? zero
    return [
      ...(points.length > 0 ? [this.#at0(points)] : []),
      filled(free.map((holder) => ({ holder, residues: zero }))),
      filled(free.map((holder) => ({ holder, residues: first }))),
      ...(others.length === missing ? [filled(others)] : []),
      ...(elsewhere.length === missing ? [filled(elsewhere)] : []),
    ]
  }

  #at0(points: readonly { readonly holder: number; readonly residues: Residues }[]): Residues {
    const at = points.map(({ holder }) => holder)
    const weights = lagrangeWeights(this.#ring.q, at, 0)
    return this.#ring.combine(points.map(({ residues }, i) => ({ factor: weights[i] as bigint, residues })))
  }

  #combined(left: Residues, right: Residues): Residues {
    return this.#ring.combine([
      { factor: 1n, residues: left },
      { factor: this.#ring.q.value - 1n, residues: right },
    ])
  }

  #read(terms: readonly Ciphertext[], key: Residues, set: readonly SiteId[]): void {
    const values = this.#open(terms, key)
    this.#count(values)
    const known = this.#held.vectors.filter((each) => each.round === this.#victim.round && set.includes(each.site))
    if (known.length === 0) return
    for (const own of known) for (const [i, value] of own.values.entries()) values[i]! -= value
    this.#count(values)
  }

  /** What the sum of `terms` says under `key`, read slot by slot without asking whether it could be true. */
  #open(terms: readonly Ciphertext[], key: Residues): Float64Array {
    const { layout, context, residues } = terms[0] as Ciphertext
    const sum = residues.slice()
    for (const term of terms.slice(1)) addInto(this.#ring.q, sum, term.residues)
    const { degree } = this.#ring
    const { valuesPerCoefficient: k, slotBits, scaleBits, bound, dimension } = layout
    const values = new Float64Array(dimension)
    const out = new BigUint64Array(degree)
    const [slot, half] = [1n << BigInt(slotBits), 1n << BigInt(scaleBits - 1)]
    const bias = terms.length * (bound + 1)
    this.#ring.withKey(key, (keyed) => {
      for (let block = 0; block * degree * k < dimension; block++) {
        keyed.open(blockSeed(context, block), sum.subarray(block * degree, (block + 1) * degree), out)
        for (let i = 0; i < degree; i++) {
          let message = ((out[i] as bigint) + half) >> BigInt(scaleBits)
          for (let j = 0; j < k; j++, message /= slot) {
            const at = (block * degree + i) * k + j
            if (at < dimension) values[at] = Number(message % slot) - bias
          }
        }
      }
    })
    return values
  }

  #count(values: Float64Array): void {
    this.#tries++
    let equal = 0
    for (const [i, value] of this.#truth.entries()) if (values[i] === value) equal++
    this.#best = Math.max(this.#best, equal)
  }
}
