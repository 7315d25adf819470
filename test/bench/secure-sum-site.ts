import { join } from 'node:path'
import { ringFacts } from '@tributary/shared/he/ring-parameters'
import { checkValue } from '@tributary/shared/he/share-check'
import { sumShares } from '@tributary/shared/he/shamir'
import type { Digest, SiteId } from '@tributary/shared/ids'
import { epochOf } from '@tributary/shared/study/epoch'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { messageBytes, messageFrom, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { DealtBox } from '@tributary/shared/wire/federation-api'
import type { IdentityKey, SignedMessage } from '@tributary/shared/wire/signed'
import pino from 'pino'
import type { PublishedStudy } from '../../coordinator/studies/study-store.ts'
import { Contribution } from '../../site-agent/contribution/contribution.ts'
import { namedContributors, openAnnouncement } from '../../site-agent/policy/announced-set.ts'
import { AnswerLog } from '../../site-agent/policy/answer-log.ts'
import { type ApprovedStudy, approvedStudy } from '../../site-agent/policy/approved-study.ts'
import { BoxKeyRing } from '../../site-agent/policy/box-key-ring.ts'
import type { PeerStatement } from '../../site-agent/policy/peer-counters.ts'
import { attemptOf, openBroadcast } from '../../site-agent/policy/round-guard.ts'
import { makeDeal } from '../../site-agent/update/deal.ts'
import { Outbox, type StoredContribution, type StoredDeal } from '../../site-agent/update/outbox.ts'
import { type ReceivedDeals, receiveDeals, refuseTooFewPeers } from '../../site-agent/update/received-deals.ts'
import { sealContribution } from '../../site-agent/update/sealed-contribution.ts'
import { SealingThread } from '../../site-agent/update/sealing-thread.ts'
import { between, type Moment, moment, PhaseTimes } from './phase-times.ts'

const log = pino({ level: 'silent' })

/** Step 1: the first gradients. Step 0 was the marginals. */
export const benchStep = 1

/**
 * A hospital's part of one round by the calls of site-agent/update, in their order, each timed: `deal`, `boxes` (opening them),
 * `check`, `seal` (with the thread that does it, and the hashes and signature beside it), `answer`, and `disk` for what must be
 * durable before it leaves. Left out: the gradients and their noise, and the ledger.
 */
export class SecureSumSite {
  readonly name: SiteId
  readonly times = new PhaseTimes()
  /** Bytes sent and received, without the model. */
  up = 0
  down = 0
  readonly #identity: IdentityKey
  readonly #approved: ApprovedStudy
  readonly #sealing: SealingThread
  readonly #boxKeys: BoxKeyRing
  readonly #outbox: Outbox
  readonly #answers: AnswerLog
  #dealt: Digest | undefined
  #received: ReceivedDeals | undefined

  private constructor(
    published: PublishedStudy,
    place: number,
    identity: IdentityKey,
    folder: string,
    sealing: SealingThread,
  ) {
    const { study, manifest, roster } = published
    this.name = roster.members[place]!.site
    this.#identity = identity
    this.#approved = approvedStudy(study, manifest, roster, this.name)
    this.#sealing = sealing
    this.#boxKeys = new BoxKeyRing(join(folder, this.name, 'box-keys'))
    this.#outbox = Outbox.open(join(folder, this.name, 'outbox'))
    this.#answers = AnswerLog.open(join(folder, this.name, 'answers.db'))
  }

  /** With a thread of its own, as an agent has. */
  static async open(
    published: PublishedStudy,
    place: number,
    identity: IdentityKey,
    folder: string,
  ): Promise<SecureSumSite> {
    return new SecureSumSite(published, place, identity, folder, await SealingThread.open())
  }

  get #attempt() {
    return attemptOf(this.#approved, benchStep, 0)
  }

  get isHolder(): boolean {
    return this.#approved.holders.includes(this.name)
  }

  boxKeys(): SignedMessage {
    return this.#boxKeys.statement(this.#approved.study, epochOf(benchStep), this.name, this.#identity)
  }

  /** What it contributed to step 0, as its peers saw it announced: deals carry it (R4). */
  earlierStatement(): PeerStatement {
    const fields = attemptOf(this.#approved, 0, 0)
    const hash = hashBytes(new Uint8Array(0))
    const body = { ...fields, model: hash, deal: hash, ciphertext: hash, bytes: 29_712, counter: 1, charged: 1 }
    return signBody('contribution', this.name, body, this.#identity)
  }

  async deal(
    boxKeys: readonly SignedMessage[],
    seen: readonly (PeerStatement & { readonly site: SiteId })[],
  ): Promise<StoredDeal> {
    const parts = { sealing: this.#sealing, identity: this.#identity }
    const facts = { boxKeys, seen: seen.filter(({ site }) => site !== this.name), removed: [] }
    const { deal } = await this.times.timeAsync('deal', () => makeDeal(parts, this.#approved, this.#attempt, facts))
    this.#dealt = hashBytes(deal.message.body)
    await this.times.timeAsync('disk', () => this.#outbox.storeDeal(this.#attempt.round, deal))
    return deal
  }

  /** Opens its boxes and says what is in them; a site that holds no shares only reads the deals (R4). */
  check(dealt: readonly DealtBox[]): SignedMessage | undefined {
    const parts = { boxKeys: this.#boxKeys, log }
    const { round } = this.#attempt
    const { deals } = this.times.time('boxes', () => {
      this.#received = receiveDeals(dealt, parts, this.#approved, this.#attempt)
      return this.#received
    })
    if (!this.isHolder) return undefined
    return this.times.time('check', () => {
      const checks = deals.map(({ opened: { dealer, deal }, share }) => {
        return { site: dealer, deal, value: checkValue(ringFacts, { round, deal }, share!) }
      })
      return signBody('check', this.name, { ...this.#attempt, checks }, this.#identity)
    })
  }

  /** `integers` are handed over. */
  async contribute(message: SignedMessage, integers: Float64Array): Promise<StoredContribution> {
    const { round } = this.#attempt
    const broadcast = this.times.time('seal', () => {
      const opened = openBroadcast(message, this.#approved, () => ({ deal: this.#dealt!, removed: [] }))
      refuseTooFewPeers(this.#received!, this.#approved)
      return opened
    })
    this.times.time('disk', () => this.#outbox.begin({ round, model: broadcast.model }))
    const query = queriesOf(this.#approved.manifest.plan)[broadcast.query]!
    const parts = { sealing: this.#sealing, identity: this.#identity }
    const own = { counter: 2, charged: 2 }
    const sealed = await this.times.timeAsync('seal', () =>
      sealContribution(parts, this.#approved, broadcast, own, new Contribution(query, integers)),
    )
    await this.times.timeAsync('disk', () => this.#outbox.store(round, sealed))
    return sealed
  }

  /** The coordinator said that the contribution counts. */
  acknowledged(): void {
    this.times.time('disk', () => this.#outbox.acknowledge(this.#attempt.round))
  }

  answer(message: SignedMessage): SignedMessage {
    const { study, step, attempt, round } = this.#attempt
    const { hash, shares } = this.times.time('answer', () => {
      const announced = openAnnouncement(message, this.#approved)
      const contributors = namedContributors(announced, this.#approved, {
        statement: this.#outbox.statement(round),
        isAcknowledged: this.#outbox.isAcknowledged(round),
        removed: this.#outbox.removedBy(round),
      })
      const { deals } = this.#received!
      const summands = contributors.map(
        ({ site, deal }) =>
          deals.find(({ opened }) => opened.dealer === site && opened.deal === deal)!.share as Uint8Array,
      )
      return { hash: announced.hash, shares: summands }
    })
    let making: Moment = { wall: 0, processor: 0 }
    const started = moment()
    const bytes = this.#answers.answer({ study, step, attempt, announcement: hash }, () => {
      const since = moment()
      const body = { ...this.#attempt, announcement: hash, share: sumShares(ringFacts, shares) }
      const made = messageBytes(signBody('answer', this.name, body, this.#identity))
      making = between(since, moment())
      return made
    })
    this.times.add('answer', making)
    this.times.add('disk', between(making, between(started, moment())))
    return messageFrom(bytes)
  }

  async close(): Promise<void> {
    await this.#sealing.close()
    this.#answers.close()
    this.#outbox.close()
  }
}
