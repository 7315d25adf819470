import {
  isClosed,
  openRound,
  pendingEffect,
  type RoundEffect,
  type RoundEvent,
  type RoundPhase,
  type RoundState,
  type RoundTerms,
  step,
} from '../../coordinator/rounds/round.ts'
import { missed } from '../../coordinator/rounds/round-absence.ts'
import { OpeningWork } from '../../coordinator/aggregate/opening-work.ts'
import type { SealContext } from '../../shared/he/public-polynomial.ts'
import type { Ring } from '../../shared/he/ring.ts'
import { SealedSum } from '../../shared/he/sealed-sum.ts'
import { areConsistent } from '../../shared/he/share-check.ts'
import type { Digest, RoundId, SiteId } from '../../shared/ids.ts'
import type { LightContribution, LightDeal, LightStudy } from './light-site.ts'
import type { KillMoment } from './loss-case.ts'

/** What of one attempt is stored as it arrives. */
interface Kept {
  readonly deals: Map<SiteId, LightDeal>
  readonly checks: Map<SiteId, ReadonlyMap<SiteId, Uint8Array | null>>
  readonly parts: Map<SiteId, Map<number, Uint8Array>>
  readonly offers: Map<SiteId, LightContribution>
  readonly answers: Map<SiteId, Uint8Array>
  announced: readonly SiteId[] | null
}

const phaseMs = 100

/**
 * The product's state machine with what drives it, in memory: every state goes through its stored form, every kill loses what is
 * not stored, sums grow part by part as they arrive.
 */
export class LightCoordinator {
  state: RoundState
  now = 0
  /** States stored so far, over all attempts. */
  stored = 0
  kills = 0
  opened: Float64Array | null = null
  /** The phase that the attempt ended in. */
  endedIn: RoundPhase = 'dealing'
  readonly effects: string[] = []
  readonly #ring: Ring
  readonly #study: LightStudy
  readonly #killAt: ReadonlyMap<number, KillMoment>
  readonly #away = new Set<SiteId>()
  #kept: Kept
  /** In memory only. */
  #sum: SealedSum | null = null

  constructor(ring: Ring, study: LightStudy, killAt: ReadonlyMap<number, KillMoment>, first: RoundId) {
    this.#ring = ring
    this.#study = study
    this.#killAt = killAt
    this.#kept = emptyKept()
    this.state = openRound({ round: first, query: 0, step: 0, attempt: 0 }, this.terms, this.now)
  }

  get terms(): RoundTerms {
    const { sites, holders, least, threshold } = this.#study
    return {
      sites,
      holders,
      awaited: sites.filter((site) => !this.#away.has(site)),
      barred: [],
      distrusted: [],
      least,
      threshold,
      dealMs: phaseMs,
      contributeMs: phaseMs,
      answerMs: phaseMs,
      graceMs: 10,
    }
  }

  get isClosed(): boolean {
    return isClosed(this.state)
  }

  get deals(): readonly LightDeal[] {
    return this.state.dealers.flatMap((site) => this.#kept.deals.get(site) ?? [])
  }

  /** Every deal that was taken, whatever became of it. */
  get everyDeal(): readonly LightDeal[] {
    return [...this.#kept.deals.values()]
  }

  get contributions(): readonly LightContribution[] {
    return (this.#kept.announced ?? []).map((site) => this.#kept.offers.get(site)!)
  }

  contextOf(model: Digest): SealContext {
    const { roster, plan } = this.#study
    return { round: this.state.round, roster, plan, model }
  }

  /** Another attempt of the step: nothing of the last one is left. */
  retry(round: RoundId): void {
    const { attempt } = this.state
    this.#kept = emptyKept()
    this.#sum = null
    this.state = openRound({ round, query: 0, step: 0, attempt: attempt + 1 }, this.terms, this.now)
  }

  heard(site: SiteId): void {
    this.#away.delete(site)
  }

  async keepDeal(deal: LightDeal): Promise<void> {
    if (this.state.phase !== 'dealing') return
    this.#kept.deals.set(deal.dealer, deal)
    await this.deliver({ type: 'dealt', site: deal.dealer })
  }

  async keepChecks(site: SiteId, checks: ReadonlyMap<SiteId, Uint8Array | null>): Promise<void> {
    if (this.state.phase !== 'checking') return
    this.#kept.checks.set(site, checks)
    await this.deliver({ type: 'checked', site })
  }

  /** Takes parts in any order; true where the contribution is whole and counts. */
  async keepParts(contribution: LightContribution, parts: readonly number[]): Promise<boolean> {
    const { site } = contribution
    if (this.state.phase !== 'contributing' || !this.state.dealers.includes(site)) return false
    this.#kept.offers.set(site, contribution)
    const held = this.#kept.parts.get(site) ?? new Map<number, Uint8Array>()
    this.#kept.parts.set(site, held)
    const sum = this.#running()
    for (const part of parts) {
      const data = contribution.parts[part]!
      if (!held.has(part)) sum.add(part, data)
      held.set(part, data)
    }
    if (held.size < contribution.parts.length) return false
    await this.deliver({ type: 'contributed', site })
    return this.state.contributors.includes(site)
  }

  async keepAnswer(site: SiteId, share: Uint8Array): Promise<void> {
    if (this.state.phase !== 'answering') return
    this.#kept.answers.set(site, share)
    await this.deliver({ type: 'answered', site })
  }

  async passDeadline(): Promise<void> {
    this.now = Math.max(this.now, this.state.deadline)
    await this.deliver({ type: 'tick' })
  }

  /** One event as the driver takes it: step, store, act; a kill where the case has one, after which the sender sends again. */
  async deliver(event: RoundEvent): Promise<void> {
    const before = this.state
    const { state, effects } = step(before, event, this.terms, this.now)
    if (JSON.stringify(state) === JSON.stringify(before)) return
    const kill = this.#killAt.get(this.stored++)
    if (kill === 'before the state is stored') {
      await this.#restart()
      return await this.deliver(event)
    }
    for (const site of missed(before, state, this.terms)) this.#away.add(site)
    this.endedIn = before.phase
    this.state = JSON.parse(JSON.stringify(state)) as RoundState
    if (kill !== 'before its effects') for (const effect of effects) await this.#perform(effect)
    if (kill !== undefined) await this.#restart()
  }

  async #restart(): Promise<void> {
    this.kills++
    this.#sum = null
    if (isClosed(this.state)) return
    await this.deliver({ type: 'resumed' })
    const pending = pendingEffect(this.state)
    if (pending !== null) await this.#perform(pending)
  }

  async #perform(effect: RoundEffect): Promise<void> {
    this.effects.push(effect.type)
    if (effect.type === 'sift') return await this.deliver({ type: 'sifted', disputed: this.#disputed() })
    if (effect.type === 'announce') {
      const named = this.state.contributors
      const earlier = this.#kept.announced
      if (earlier !== null && earlier.join() !== named.join()) throw new Error('R4: two sets were announced')
      this.#kept.announced = named
      return await this.deliver({ type: 'announced' })
    }
    if (effect.type === 'open') {
      this.opened = await this.#open()
      return await this.deliver({ type: 'opened' })
    }
  }

  /** A deal with a box that did not open or with values that are not of one polynomial is not used (R24). */
  #disputed(): SiteId[] {
    const { holders, threshold } = this.#study
    const checked = holders.flatMap((site, place) => {
      const checks = this.state.checked.includes(site) ? this.#kept.checks.get(site) : undefined
      return checks === undefined ? [] : [{ holder: place + 1, checks }]
    })
    return this.state.dealers.filter((dealer) => {
      const values = checked.map(({ holder, checks }) => ({ holder, value: checks.get(dealer) ?? null }))
      const found = values.flatMap(({ holder, value }) => (value === null ? [] : [{ holder, value }]))
      return found.length < values.length || !areConsistent(this.#ring, found, threshold)
    })
  }

  /** Memory's sum, or after a restart that of the stored parts. */
  #running(): SealedSum {
    if (this.#sum !== null) return this.#sum
    const sum = SealedSum.create(this.#ring, this.#study.layout)
    for (const held of this.#kept.parts.values()) for (const [part, data] of held) sum.add(part, data)
    this.#sum = sum
    return sum
  }

  async #open(): Promise<Float64Array> {
    const { layout, holders, threshold } = this.#study
    const { contributors, answered, model } = this.state
    const sum = this.#running()
    for (const [site, held] of this.#kept.parts)
      if (!contributors.includes(site)) for (const [part, data] of held) sum.takeAway(part, data)
    this.#sum = null
    const { steps, suspects } = await new OpeningWork(this.#ring).open({
      layout,
      sum: sum.residues(),
      contributors: contributors.length,
      context: this.contextOf(model!),
      threshold,
      answers: answered.map((site) => ({ holder: holders.indexOf(site) + 1, share: this.#kept.answers.get(site)! })),
    })
    if (suspects.length > 0) throw new Error(`nobody lied, and ${suspects.join()} are suspected`)
    return steps
  }
}

const emptyKept = (): Kept => ({
  deals: new Map(),
  checks: new Map(),
  parts: new Map(),
  offers: new Map(),
  answers: new Map(),
  announced: null,
})
