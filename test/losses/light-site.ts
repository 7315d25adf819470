import { type BoxContext, newBoxKeys, openBox } from '../../shared/he/box.ts'
import type { Ring } from '../../shared/he/ring.ts'
import { checkValue } from '../../shared/he/share-check.ts'
import { sumShares } from '../../shared/he/shamir.ts'
import type { SlotLayout } from '../../shared/he/slots.ts'
import type { SealContext } from '../../shared/he/public-polynomial.ts'
import { osRandomStreams } from '../../shared/dp/os-random.ts'
import type { Digest, RoundId, SiteId, StudyId } from '../../shared/ids.ts'
import { hashBytes } from '../../shared/wire/canonical.ts'
import { SealingWork } from '../../site-agent/update/sealing-work.ts'

/** What everybody knows of a light federation's study. */
export interface LightStudy {
  readonly study: StudyId
  readonly roster: Digest
  readonly plan: Digest
  readonly sites: readonly SiteId[]
  /** Who holds shares; the place from 1 is the index. */
  readonly holders: readonly SiteId[]
  readonly threshold: number
  readonly least: number
  readonly layout: SlotLayout
}

/** A deal without its signature: everything that the checks and the arithmetic depend on. */
export interface LightDeal {
  readonly dealer: SiteId
  readonly hash: Digest
  /** One a holder, in their order. */
  readonly boxes: readonly Uint8Array[]
}

export interface LightContribution {
  readonly site: SiteId
  readonly deal: Digest
  readonly parts: readonly Uint8Array[]
}

/** The site keeps its bytes but has lost the key that they need: nothing can come of this attempt here. */
export const keyGone = 'the one-time key is gone'

/**
 * A hospital's part of a round without stores, signatures or ledger: the product's keys, boxes, checks, sealing and sums, and its
 * rules on what is done once. `restart` forgets what the product forgets: keys and opened shares.
 */
export class LightSite {
  readonly name: SiteId
  readonly boxKeys = newBoxKeys()
  readonly #ring: Ring
  readonly #study: LightStudy
  #sealing: SealingWork
  #shares = new Map<RoundId, Map<Digest, Uint8Array>>()
  readonly #dealt = new Map<RoundId, LightDeal>()
  readonly #sealed = new Map<RoundId, LightContribution>()
  readonly #answered = new Map<RoundId, { readonly named: string; readonly share: Uint8Array }>()
  readonly #counted = new Set<RoundId>()
  /** Rounds whose keys this process made. */
  #keys = new Set<RoundId>()

  constructor(ring: Ring, study: LightStudy, name: SiteId) {
    this.#ring = ring
    this.#study = study
    this.name = name
    this.#sealing = new SealingWork(ring, osRandomStreams)
  }

  async restart(): Promise<void> {
    await this.#sealing.close()
    this.#sealing = new SealingWork(this.#ring, osRandomStreams)
    this.#shares = new Map()
    this.#keys = new Set()
  }

  /** The same bytes again where this site dealt before and still has the key; else throws `keyGone`. */
  async deal(round: RoundId, keys: ReadonlyMap<SiteId, Uint8Array>): Promise<LightDeal> {
    const { holders, threshold } = this.#study
    const stored = this.#dealt.get(round)
    if (stored !== undefined && !this.#keys.has(round)) throw new Error(keyGone)
    if (stored !== undefined) return stored
    const { boxes, unreachable } = await this.#sealing.deal({
      round,
      threshold,
      context: this.#boxContext(round, this.name),
      holders: holders.map((site, place) => ({ site, index: place + 1, key: keys.get(site) })),
    })
    if (unreachable.length > 0) throw new Error('every holder brought a key')
    const deal = { dealer: this.name, hash: hashBytes(Buffer.concat([Buffer.from(round), ...boxes])), boxes }
    this.#dealt.set(round, deal)
    this.#keys.add(round)
    return deal
  }

  /** What is found in this holder's box of each deal; null where it does not open. */
  check(round: RoundId, deals: readonly LightDeal[]): ReadonlyMap<SiteId, Uint8Array | null> {
    const shares = this.#open(round, deals)
    const checks = deals.map(({ dealer, hash }) => {
      const share = shares.get(hash)
      return [dealer, share === undefined ? null : checkValue(this.#ring, { round, deal: hash }, share)] as const
    })
    return new Map(checks)
  }

  /** Sealed once; the stored bytes again afterwards (R3). Throws `keyGone` where this process never made the key. */
  async contribute(context: SealContext, values: Float64Array): Promise<LightContribution> {
    const { round } = context
    const stored = this.#sealed.get(round)
    if (stored !== undefined) return stored
    const deal = this.#dealt.get(round)
    if (deal === undefined) throw new Error(keyGone)
    const { layout } = this.#study
    const parts = await this.#sealing.seal({ round, context, layout, values: values.slice() }).catch(() => {
      throw new Error(keyGone)
    })
    const contribution = { site: this.name, deal: deal.hash, parts }
    this.#sealed.set(round, contribution)
    return contribution
  }

  /** The coordinator said that the contribution counts: a set without it is refused from now on. */
  acknowledge(round: RoundId): void {
    this.#counted.add(round)
  }

  /** The sum of this holder's shares over U, the same bytes for the same U; another U, or one that breaks a rule, throws. */
  answer(round: RoundId, contributors: readonly LightContribution[], deals: readonly LightDeal[]): Uint8Array {
    const named = contributors.map(({ site, deal }) => `${site} ${deal}`).join()
    const answered = this.#answered.get(round)
    if (answered !== undefined) {
      if (answered.named !== named) throw new Error(`R4: ${this.name} was asked for two sets`)
      return answered.share
    }
    if (contributors.length < this.#study.least) throw new Error(`R7: ${contributors.length} contributors`)
    if (this.#counted.has(round) && !contributors.some(({ site }) => site === this.name))
      throw new Error(`R24: ${this.name} is left out of the set although its contribution was taken`)
    const held = this.#open(round, deals)
    const shares = contributors.map(({ site, deal }) => {
      const share = held.get(deal)
      if (share === undefined) throw new Error(`${this.name} holds no share of ${site}`)
      return share
    })
    const share = sumShares(this.#ring, shares)
    this.#answered.set(round, { named, share })
    return share
  }

  /** This site's share of a deal, for the tester's eyes: undefined where it holds none. */
  share(round: RoundId, deal: LightDeal): Uint8Array | undefined {
    return this.#open(round, [deal]).get(deal.hash)
  }

  #boxContext(round: RoundId, from: SiteId): Omit<BoxContext, 'to'> {
    const { study, roster } = this.#study
    return { study, round, roster, from }
  }

  #open(round: RoundId, deals: readonly LightDeal[]): Map<Digest, Uint8Array> {
    const shares = this.#shares.get(round) ?? new Map<Digest, Uint8Array>()
    this.#shares.set(round, shares)
    const place = this.#study.holders.indexOf(this.name)
    for (const { dealer, hash, boxes } of deals) {
      const box = boxes[place]
      if (box === undefined || shares.has(hash)) continue
      try {
        shares.set(hash, openBox(this.boxKeys, { ...this.#boxContext(round, dealer), to: this.name }, box))
      } catch {
        // Damaged on its way: this holder says null, and the deal is not used.
      }
    }
    return shares
  }
}
