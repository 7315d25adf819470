import { queryOfStep } from '@tributary/shared/dp/steps'
import { openFrame } from '@tributary/shared/he/frame'
import type { Ring } from '@tributary/shared/he/ring'
import type { SlotLayout } from '@tributary/shared/he/slots'
import type { RoundId, SiteId } from '@tributary/shared/ids'
import { slotLayoutOf } from '@tributary/shared/study/slot-layout'
import { type Body, openBody } from '@tributary/shared/wire/body'
import { decodeCanonical, hashBytes } from '@tributary/shared/wire/canonical'
import type { DealtBox } from '@tributary/shared/wire/federation-api'
import { coordinatorOf, memberOf } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { ApprovedStudy } from '../../site-agent/policy/approved-study.ts'
import type { AttemptFields } from '../../site-agent/policy/round-guard.ts'
import type { Colluder } from './colluder.ts'
import { type Holdings, type Learned, noHoldings, Reading, residuesOf, withMore } from './holdings.ts'

/** Everything that passed in one round. */
export interface OverheardRound {
  readonly deals: Map<SiteId, { readonly message: SignedMessage; readonly boxes: readonly Uint8Array[] }>
  readonly checks: Map<SiteId, SignedMessage>
  readonly contributions: Map<SiteId, { readonly message: SignedMessage; readonly parts: readonly Uint8Array[] }>
  readonly answers: { readonly site: SiteId; readonly message: SignedMessage }[]
  readonly withdrawn: SiteId[]
  readonly dealOpenings: SignedMessage[]
  readonly boxOpenings: SignedMessage[]
  /** What each site's query gave, which nobody but the judge of the attack knows. */
  readonly truths: Map<SiteId, Float64Array>
}

export const roundOf = (message: SignedMessage): RoundId => (decodeCanonical(message.body) as { round: RoundId }).round

/** The memory of a coordinator that forgets nothing, and what it makes of it with its colluders' help. */
export class Overheard {
  readonly ring: Ring
  /** By any site: what is public in it. */
  readonly approved: ApprovedStudy
  readonly #rounds = new Map<RoundId, OverheardRound>()
  /** Contributor sets by the hash of their announcement. */
  readonly #announced = new Map<string, readonly SiteId[]>()

  constructor(ring: Ring, approved: ApprovedStudy) {
    this.ring = ring
    this.approved = approved
  }

  round(round: RoundId): OverheardRound {
    const known = this.#rounds.get(round)
    if (known !== undefined) return known
    const fresh: OverheardRound = {
      deals: new Map(),
      checks: new Map(),
      contributions: new Map(),
      answers: [],
      withdrawn: [],
      dealOpenings: [],
      boxOpenings: [],
      truths: new Map(),
    }
    this.#rounds.set(round, fresh)
    return fresh
  }

  rounds(): OverheardRound[] {
    return [...this.#rounds.values()]
  }

  noteAnnounced(message: SignedMessage): void {
    const { contributors } = openBody('announcement', message, coordinatorOf(this.approved.roster))
    const sites = contributors.map(({ site }) => site)
    this.#announced.set(hashBytes(message.body), sites)
  }

  boxesFor(round: RoundId, to: SiteId): DealtBox[] {
    const place = this.approved.holders.indexOf(to)
    return [...this.round(round).deals.values()].map(({ message, boxes }) => ({
      deal: message,
      box: boxes[place] ?? new Uint8Array(),
    }))
  }

  contributionOf(round: RoundId, site: SiteId) {
    const found = this.round(round).contributions.get(site)
    if (found === undefined) throw new Error(`${site} contributed nothing`)
    return found
  }

  contributionBody(round: RoundId, site: SiteId): Body<'contribution'> {
    return openBody('contribution', this.contributionOf(round, site).message, memberOf(this.approved.roster, site))
  }

  layoutOf(step: number): SlotLayout {
    const { queries, sites } = this.approved
    const query = queries[queryOfStep(queries, step).query] as ApprovedStudy['queries'][number]
    return slotLayoutOf(query, sites.length)
  }

  truthOf(round: RoundId, site: SiteId): Float64Array {
    const truth = this.round(round).truths.get(site)
    if (truth === undefined) throw new Error(`${site} contributed nothing`)
    return truth
  }

  /** All that it holds of every round so far, colluders' shares and vectors included. */
  holdings(colluders: readonly Colluder[]): Holdings {
    const held = noHoldings()
    for (const [round, stored] of this.#rounds) {
      for (const [site, { parts }] of stored.contributions) {
        const { step, roster, model } = this.contributionBody(round, site)
        const layout = this.layoutOf(step)
        const context = { round, roster, plan: this.approved.manifestHash, model }
        held.ciphertexts.push({ round, site, context, layout, residues: residuesOf(this.ring, layout, parts) })
        const values = stored.truths.get(site)
        if (values !== undefined && colluders.some(({ name }) => name === site))
          held.vectors.push({ round, site, values })
      }
      for (const colluder of colluders) held.shares.push(...this.#sharesOf(round, colluder))
      for (const { site, message } of stored.answers) {
        const { announcement, share } = openBody('answer', message, memberOf(this.approved.roster, site))
        const dealers = this.#announced.get(announcement) ?? []
        const holder = this.approved.holders.indexOf(site) + 1
        held.answers.push({ round, dealers, holder, residues: openFrame(this.ring, share, 1) })
      }
    }
    return held
  }

  /** Shares that a site whose secrets are known holds of everybody's keys of one round. */
  #sharesOf(round: RoundId, colluder: Colluder): Holdings['shares'] {
    const holder = this.approved.holders.indexOf(colluder.name) + 1
    const boxes = this.boxesFor(round, colluder.name)
    if (holder === 0 || boxes[0] === undefined) return []
    const fields = decodeCanonical(boxes[0].deal.body) as unknown as AttemptFields
    const found = [...colluder.open(fields, boxes).values()]
    return found.map(({ dealer, residues }) => ({ round, dealer, holder, residues }))
  }

  /** Shares of `dealers`' keys that those insiders hold: what they must never show, for the positive controls. */
  forbidden(round: RoundId, insiders: readonly Colluder[], dealers: readonly SiteId[]): Partial<Holdings> {
    const shares = insiders.flatMap((insider) => this.#sharesOf(round, insider))
    return { shares: shares.filter(({ dealer }) => dealers.includes(dealer)) }
  }

  /** What it reads of `site`'s vector in that round, with `more` than it holds. */
  learned(round: RoundId, site: SiteId, colluders: readonly Colluder[], more: Partial<Holdings> = {}): Learned {
    const { threshold } = this.approved.manifest.plan
    const victim = { round, site, truth: this.truthOf(round, site), threshold }
    return new Reading(this.ring, withMore(this.holdings(colluders), more), victim).all()
  }
}
