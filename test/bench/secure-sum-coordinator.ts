import { join } from 'node:path'
import { openFrame } from '@tributary/shared/he/frame'
import { partsDigest } from '@tributary/shared/he/parts'
import { ringFacts } from '@tributary/shared/he/ring-parameters'
import type { Digest, SiteId } from '@tributary/shared/ids'
import { epochOf } from '@tributary/shared/study/epoch'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { slotLayoutOf } from '@tributary/shared/study/slot-layout'
import { openBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { DealtBox } from '@tributary/shared/wire/federation-api'
import { memberOf } from '@tributary/shared/wire/roster'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { type IdentityKey, PROTOCOL_VERSION, type SignedMessage } from '@tributary/shared/wire/signed'
import { ContributionStore } from '../../coordinator/aggregate/contribution-store.ts'
import { openRoundSum } from '../../coordinator/aggregate/open-round.ts'
import type { OpenOrder } from '../../coordinator/aggregate/opening.ts'
import { OpeningThread } from '../../coordinator/aggregate/opening-thread.ts'
import { openRound, type RoundEvent, type RoundState, step } from '../../coordinator/rounds/round.ts'
import { announcementOf, broadcastOf, kept, openRoundBody } from '../../coordinator/rounds/round-messages.ts'
import { RoundStore } from '../../coordinator/rounds/round-store.ts'
import { termsOf } from '../../coordinator/rounds/round-terms.ts'
import { siftDeals } from '../../coordinator/rounds/sift-deals.ts'
import type { PublishedStudy } from '../../coordinator/studies/study-store.ts'
import type { StoredContribution, StoredDeal } from '../../site-agent/update/outbox.ts'
import { between, type Moment, moment, PhaseTimes } from './phase-times.ts'
import { benchStep } from './secure-sum-site.ts'

const query = 1

/**
 * The coordinator's part of one round by the calls of coordinator/rounds and coordinator/aggregate, each timed: `deals`, `checks`,
 * `offers` and `answers` as messages arrive, `sift` (the values of the holders fit together), `parts` (each is hashed, checked,
 * added to the running sum and written), `disk` for what is made durable, `sum` (what is left to add or to take away) and `open`
 * with the thread that does it.
 */
export class SecureSumCoordinator {
  readonly times = new PhaseTimes()
  readonly published: PublishedStudy
  readonly #identity: IdentityKey
  readonly #store: RoundStore
  readonly #contributions: ContributionStore
  readonly #opening: OpeningThread
  #state: RoundState
  #now = 0

  private constructor(
    published: PublishedStudy,
    identity: IdentityKey,
    store: RoundStore,
    contributions: ContributionStore,
    opening: OpeningThread,
  ) {
    this.published = published
    this.#identity = identity
    this.#store = store
    this.#contributions = contributions
    this.#opening = opening
    const round = roundIdOf(published.study, benchStep, 0)
    this.#state = openRound({ round, query, step: benchStep, attempt: 0 }, termsOf(published), 0)
  }

  /** With a thread that opens, as the coordinator has. */
  static async open(published: PublishedStudy, identity: IdentityKey, folder: string): Promise<SecureSumCoordinator> {
    const contributions = await ContributionStore.open(join(folder, 'contributions'), ringFacts)
    const store = RoundStore.open(join(folder, 'rounds.db'))
    return new SecureSumCoordinator(published, identity, store, contributions, await OpeningThread.open())
  }

  get round() {
    return this.#state.round
  }

  get query() {
    return queriesOf(this.published.manifest.plan)[query]!
  }

  get layout() {
    return slotLayoutOf(this.query, this.published.manifest.sites.length)
  }

  deal(site: SiteId, { message, boxes }: StoredDeal): void {
    const { roster } = this.published
    const { holders } = this.#state
    this.times.time('deals', () => {
      const body = openRoundBody('deal', message, site, this.published, this.#state)
      const isWhole = body.boxes.every(({ to, box }, i) => to === holders[i] && hashBytes(boxes[i]!) === box)
      if (!isWhole || body.epoch !== epochOf(benchStep))
        throw new Error(`a box of ${site} is not the one that was signed`)
      for (const { site: other, body: signed, signature } of body.seen) {
        const stated = { protocol: PROTOCOL_VERSION, kind: 'contribution', signer: other, body: signed, signature }
        openBody('contribution', stated, memberOf(roster, other))
      }
    })
    this.#dispatch({ type: 'dealt', site }, () => {
      this.#store.keep(this.round, 'deal', site, message)
      for (const [i, box] of boxes.entries()) this.#store.keepBox(this.round, site, holders[i]!, box)
    })
  }

  boxes(site: SiteId): readonly DealtBox[] {
    return this.times.time('messages', () => {
      const boxes = new Map(this.#store.boxes(this.round, site).map(({ dealer, box }) => [dealer, box]))
      return this.#state.dealers.map((dealer) => ({
        deal: kept(this.#store, this.#state, 'deal', dealer),
        box: boxes.get(dealer) ?? new Uint8Array(0),
      }))
    })
  }

  check(site: SiteId, message: SignedMessage): void {
    this.times.time('checks', () => {
      const { checks } = openRoundBody('check', message, site, this.published, this.#state)
      const isWhole = checks.every(
        ({ site: dealer, deal }, i) =>
          dealer === this.#state.dealers[i] && deal === hashBytes(kept(this.#store, this.#state, 'deal', dealer).body),
      )
      if (!isWhole) throw new Error(`${site} checked other deals`)
    })
    this.#dispatch({ type: 'checked', site }, () => this.#store.keep(this.round, 'check', site, message))
  }

  /** The deadline of the checks passes, the deals are sifted and the model goes out. */
  broadcast(model: Digest): SignedMessage {
    this.#passDeadline('checking')
    const disputed = this.times.time('sift', () => siftDeals(ringFacts, this.published, this.#state, this.#store))
    if (disputed.length > 0) throw new Error('honest deals are disputed')
    this.#dispatch({ type: 'sifted', disputed })
    this.#dispatch({ type: 'model', model })
    return this.times.time('messages', () => broadcastOf(this.published, this.#state, this.#store, this.#identity))
  }

  /** An offer, every part as it arrives, and the state that says that it counts. */
  async contribute(site: SiteId, { message, parts }: StoredContribution, hashes: readonly Digest[]): Promise<void> {
    this.times.time('offers', () => {
      const body = openRoundBody('contribution', message, site, this.published, this.#state)
      const { model, deal, ciphertext } = body
      const isOurs =
        model === this.#state.model && deal === hashBytes(kept(this.#store, this.#state, 'deal', site).body)
      if (!isOurs || partsDigest(hashes) !== ciphertext) throw new Error(`${site} signed something else`)
    })
    this.times.time('disk', () => this.#store.keepParts(this.round, site, hashes))
    const begin = () => this.#contributions.begin(this.round, site, hashes, this.layout)
    const { missing } = await this.times.timeAsync('offers', begin)
    for (const part of missing)
      await this.times.timeAsync('parts', () => this.#contributions.put(this.round, site, part, parts[part]!))
    const { complete } = await this.times.timeAsync('disk', begin)
    if (!complete) throw new Error(`parts of ${site} are missing`)
    this.#dispatch({ type: 'contributed', site }, () => this.#store.keep(this.round, 'contribution', site, message))
  }

  /** The deadline passes: U is named. */
  announce(): SignedMessage {
    this.#passDeadline('contributing')
    const message = this.times.time('messages', () =>
      announcementOf(this.published, this.#state, this.#store, this.#identity),
    )
    this.#dispatch({ type: 'announced' })
    return message
  }

  answer(site: SiteId, message: SignedMessage): void {
    this.times.time('answers', () => {
      const body = openRoundBody('answer', message, site, this.published, this.#state)
      openFrame(ringFacts, body.share, 1)
    })
    this.#dispatch({ type: 'answered', site }, () => this.#store.keep(this.round, 'answer', site, message))
  }

  /** The opened sum, in the units of the vector. */
  async open(): Promise<Float64Array> {
    let opening: Moment = { wall: 0, processor: 0 }
    const timed = async (order: OpenOrder) => {
      const since = moment()
      const opened = await this.#opening.open(order)
      opening = between(since, moment())
      return opened
    }
    const parts = {
      store: this.#store,
      contributions: this.#contributions,
      opening: { open: timed, close: () => this.#opening.close() },
    }
    const started = moment()
    const { sum, suspects } = await openRoundSum(parts, this.published, this.#state)
    this.times.add('sum', between(opening, between(started, moment())))
    this.times.add('open', opening)
    if (suspects.length > 0) throw new Error('honest answers are suspected')
    return sum.values
  }

  async close(): Promise<void> {
    await this.#opening.close()
    this.#store.close()
  }

  /** Where a lost site keeps the phase waiting. */
  #passDeadline(phase: RoundState['phase']): void {
    if (this.#state.phase !== phase) return
    this.#now = this.#state.deadline
    this.#dispatch({ type: 'tick' })
  }

  #dispatch(event: RoundEvent, alongside?: () => void): void {
    this.times.time('disk', () => {
      const { state } = step(this.#state, event, termsOf(this.published), this.#now)
      this.#store.transaction(() => {
        alongside?.()
        this.#store.saveRound(this.published.study, state)
      })
      this.#state = state
    })
  }
}
