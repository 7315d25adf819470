import { join } from 'node:path'
import { openFrame } from '@tributary/shared/he/frame'
import type { Ring } from '@tributary/shared/he/ring'
import { blockCount } from '@tributary/shared/he/slots'
import { type Digest, type SiteId, siteId } from '@tributary/shared/ids'
import { BlobFolder } from '@tributary/shared/store/blob-folder'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { slotLayoutOf } from '@tributary/shared/study/slot-layout'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { DealtBox } from '@tributary/shared/wire/federation-api'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import type { IdentityKey, SignedMessage } from '@tributary/shared/wire/signed'
import { openNoisySum } from '../../coordinator/aggregate/noisy-sum.ts'
import { openRound, type RoundEvent, type RoundState, step } from '../../coordinator/rounds/round.ts'
import { announcementOf, broadcastOf, kept, openRoundBody } from '../../coordinator/rounds/round-messages.ts'
import { RoundStore } from '../../coordinator/rounds/round-store.ts'
import { termsOf } from '../../coordinator/rounds/round-terms.ts'
import type { PublishedStudy } from '../../coordinator/studies/study-store.ts'
import type { StoredContribution, StoredDeal } from '../../site-agent/update/outbox.ts'
import { moment, PhaseTimes } from './phase-times.ts'
import { benchStep } from './secure-sum-site.ts'

const query = 1

/**
 * The coordinator's part of one round by the calls of coordinator/rounds/rounds-desk.ts and coordinator/aggregate, each timed:
 * `deals`, `check` and `answers` as messages arrive, `disk` for what is made durable, `read` when the sealed bytes come back from
 * it, `add`, `combine` (the sum of keys from the answers) and `open`.
 */
export class SecureSumCoordinator {
  readonly times = new PhaseTimes()
  readonly published: PublishedStudy
  readonly #ring: Ring
  readonly #identity: IdentityKey
  readonly #store: RoundStore
  readonly #contributions: BlobFolder
  #state: RoundState
  #now = 0

  private constructor(
    ring: Ring,
    published: PublishedStudy,
    identity: IdentityKey,
    store: RoundStore,
    blobs: BlobFolder,
  ) {
    this.#ring = ring
    this.published = published
    this.#identity = identity
    this.#store = store
    this.#contributions = blobs
    const round = roundIdOf(published.study, benchStep, 0)
    this.#state = openRound({ round, query, step: benchStep, attempt: 0 }, termsOf(published), 0)
  }

  static async open(
    ring: Ring,
    published: PublishedStudy,
    identity: IdentityKey,
    folder: string,
  ): Promise<SecureSumCoordinator> {
    const blobs = await BlobFolder.open(join(folder, 'contributions'))
    return new SecureSumCoordinator(ring, published, identity, RoundStore.open(join(folder, 'rounds.db')), blobs)
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
    const sites = this.times.time('deals', () => {
      const body = openRoundBody('deal', message, site, this.published, this.#state)
      const whole = body.boxes.every(({ box }, i) => hashBytes(boxes[i]!) === box)
      if (!whole) throw new Error(`a box of ${site} is not the one that was signed`)
      return body.boxes.map(({ to }) => to)
    })
    this.#dispatch({ type: 'dealt', site }, () => {
      this.#store.keep(this.round, 'deal', site, message)
      for (const [i, box] of boxes.entries()) this.#store.keepBox(this.round, site, sites[i]!, box)
    })
  }

  broadcast(model: Digest): SignedMessage {
    this.#dispatch({ type: 'model', model })
    return this.times.time('messages', () => broadcastOf(this.published, this.#state, this.#store, this.#identity))
  }

  boxes(site: SiteId): readonly DealtBox[] {
    return this.times.time('messages', () =>
      this.#store
        .boxes(this.round, site)
        .map(({ dealer, box }) => ({ deal: kept(this.#store, this.#state, 'deal', dealer), box })),
    )
  }

  async contribute(site: SiteId, { message, ciphertext }: StoredContribution): Promise<void> {
    this.times.time('check', () => {
      const body = openRoundBody('contribution', message, site, this.published, this.#state)
      openFrame(this.#ring, ciphertext, blockCount(this.#ring, this.layout))
      if (hashBytes(ciphertext) !== body.ciphertext) throw new Error(`${site} signed other bytes`)
    })
    await this.times.timeAsync('disk', () => this.#contributions.put(ciphertext))
    this.#dispatch({ type: 'contributed', site }, () => this.#store.keep(this.round, 'contribution', site, message))
  }

  /** The deadline passes: U is named. */
  announce(): SignedMessage {
    this.#now = this.#state.deadline
    this.#dispatch({ type: 'tick' })
    const message = this.times.time('messages', () =>
      announcementOf(this.published, this.#state, this.#store, this.#identity),
    )
    this.#dispatch({ type: 'announced' })
    return message
  }

  answer(site: SiteId, message: SignedMessage): void {
    this.times.time('answers', () => {
      const body = openRoundBody('answer', message, site, this.published, this.#state)
      openFrame(this.#ring, body.share, 1)
    })
    this.#dispatch({ type: 'answered', site }, () => this.#store.keep(this.round, 'answer', site, message))
  }

  /** The opened sum, in the units of the vector. Opening begins where the ring is lent the sum of keys. */
  async open(): Promise<Float64Array> {
    const { times, published } = this
    const state = this.#state
    const sites = published.manifest.sites.map(({ name }) => siteId(name))
    const answers = times.time('answers', () =>
      this.#store.messages(state.round, 'answer').map(({ site, message }) => ({
        holder: sites.indexOf(site) + 1,
        share: openRoundBody('answer', message, site, published, state).share,
      })),
    )
    const { threshold } = published.manifest.plan
    let since = moment()
    const contributions = async function* (this: SecureSumCoordinator) {
      for (const site of state.contributors) {
        const message = kept(this.#store, state, 'contribution', site)
        const { ciphertext } = openRoundBody('contribution', message, site, published, state)
        const bytes = await times.timeAsync('read', () => this.#contributions.get(ciphertext))
        since = moment()
        yield bytes
        times.since('add', since)
      }
      since = moment()
    }
    const ring = this.#ring
    const { withKey } = ring
    ring.withKey = (key, work) => {
      times.since('combine', since)
      since = moment()
      return withKey.call(ring, key, work) as ReturnType<typeof work>
    }
    try {
      const { sum, suspects } = await openNoisySum({
        ring,
        query: this.query,
        sites: sites.length,
        threshold,
        context: {
          round: state.round,
          roster: published.rosterHash,
          plan: published.manifestHash,
          model: state.model!,
        },
        contributions: contributions.call(this),
        answers,
      })
      times.since('open', since)
      if (suspects.length > 0) throw new Error('honest answers are suspected')
      return sum.values
    } finally {
      ring.withKey = withKey
    }
  }

  close(): void {
    this.#store.close()
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
