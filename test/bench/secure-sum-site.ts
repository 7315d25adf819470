import { join } from 'node:path'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import type { Ring } from '@tributary/shared/he/ring'
import { sumShares } from '@tributary/shared/he/shamir'
import type { SiteKey } from '@tributary/shared/he/site-key'
import type { Digest, SiteId } from '@tributary/shared/ids'
import { messageBytes, messageFrom, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { DealtBox } from '@tributary/shared/wire/federation-api'
import type { IdentityKey, SignedMessage } from '@tributary/shared/wire/signed'
import pino from 'pino'
import type { PublishedStudy } from '../../coordinator/studies/study-store.ts'
import { Contribution } from '../../site-agent/contribution/contribution.ts'
import { type ApprovedStudy, approvedStudy } from '../../site-agent/policy/approved-study.ts'
import { AnswerLog } from '../../site-agent/policy/answer-log.ts'
import { BoxKeyRing } from '../../site-agent/policy/box-key-ring.ts'
import type { PeerStatement } from '../../site-agent/policy/peer-counters.ts'
import { attemptOf, openAnnouncement, openBroadcast } from '../../site-agent/policy/round-guard.ts'
import { makeDeal } from '../../site-agent/update/deal.ts'
import { Outbox, type StoredContribution, type StoredDeal } from '../../site-agent/update/outbox.ts'
import { receiveDeals, refuseTooFewPeers } from '../../site-agent/update/received-deals.ts'
import { sealContribution } from '../../site-agent/update/seal.ts'
import { between, type Moment, moment, PhaseTimes } from './phase-times.ts'

const log = pino({ level: 'silent' })

/** Step 1: the first gradients. Step 0 was the marginals. */
export const benchStep = 1

/**
 * A hospital's part of one round by the calls of site-agent/update/round-worker.ts, in its order, each timed: `deal`, `shares`
 * (opening the boxes), `seal`, `answer`, and `disk` for what must be durable before it leaves. Left out: the gradients and their
 * noise, and the ledger.
 */
export class SecureSumSite {
  readonly name: SiteId
  readonly times = new PhaseTimes()
  /** Bytes sent and received, without the model. */
  up = 0
  down = 0
  readonly #ring: Ring
  readonly #identity: IdentityKey
  readonly #approved: ApprovedStudy
  readonly #boxKeys: BoxKeyRing
  readonly #outbox: Outbox
  readonly #answers: AnswerLog
  #key: SiteKey | undefined
  #dealt: Digest | undefined
  #shares: ReadonlyMap<Digest, Uint8Array> = new Map()

  constructor(ring: Ring, published: PublishedStudy, place: number, identity: IdentityKey, folder: string) {
    const { study, manifest, roster } = published
    this.name = roster.members[place]!.site
    this.#ring = ring
    this.#identity = identity
    this.#approved = approvedStudy(study, manifest, roster, this.name)
    this.#boxKeys = new BoxKeyRing(join(folder, this.name, 'box-keys'))
    this.#outbox = Outbox.open(join(folder, this.name, 'outbox'))
    this.#answers = AnswerLog.open(join(folder, this.name, 'answers.db'))
  }

  get #attempt() {
    return attemptOf(this.#approved, benchStep, 0)
  }

  boxKeys(): SignedMessage {
    return this.#boxKeys.statement(this.#approved.study, this.name, this.#identity)
  }

  /** What it contributed to step 0, as its peers saw it announced: deals carry it (R4). */
  earlierStatement(): PeerStatement {
    const fields = attemptOf(this.#approved, 0, 0)
    const hash = hashBytes(new Uint8Array(0))
    const body = { ...fields, model: hash, deal: hash, ciphertext: hash, bytes: 32_784, counter: 1, charged: 1 }
    return signBody('contribution', this.name, body, this.#identity)
  }

  deal(boxKeys: readonly SignedMessage[], seen: readonly (PeerStatement & { readonly site: SiteId })[]): StoredDeal {
    const parts = { ring: this.#ring, identity: this.#identity, random: osRandomStreams()('key') }
    const others = seen.filter(({ site }) => site !== this.name)
    const { key, deal } = this.times.time('deal', () => makeDeal(parts, this.#approved, this.#attempt, boxKeys, others))
    this.#key = key
    this.#dealt = hashBytes(deal.message.body)
    this.times.time('disk', () => this.#outbox.storeDeal(this.#attempt.round, deal))
    return deal
  }

  openShares(dealt: readonly DealtBox[]): void {
    this.times.time('shares', () => {
      const parts = { boxKeys: this.#boxKeys, log }
      const received = receiveDeals(dealt, parts, this.#approved, this.#attempt)
      refuseTooFewPeers(received, this.#approved, dealt.length)
      this.#shares = received.shares
    })
  }

  contribute(message: SignedMessage, integers: Float64Array): StoredContribution {
    const { round } = this.#attempt
    const broadcast = this.times.time('seal', () => openBroadcast(message, this.#approved, () => this.#dealt))
    this.times.time('disk', () => this.#outbox.begin({ round, model: broadcast.model }))
    const query = queriesOf(this.#approved.manifest.plan)[broadcast.query]!
    const own = { key: this.#key!, counter: 2, charged: 2 }
    const parts = { ring: this.#ring, identity: this.#identity }
    const sealed = this.times.time('seal', () =>
      sealContribution(parts, this.#approved, broadcast, own, new Contribution(query, integers)),
    )
    this.times.time('disk', () => this.#outbox.store(round, sealed))
    own.key.erase()
    return sealed
  }

  answer(message: SignedMessage): SignedMessage {
    const { contributors, hash } = this.times.time('answer', () =>
      openAnnouncement(message, this.#approved, (round) => this.#outbox.stored(round)?.message),
    )
    const { study, step, attempt } = this.#attempt
    let making: Moment = { wall: 0, processor: 0 }
    const started = moment()
    const bytes = this.#answers.answer({ study, step, attempt, announcement: hash }, () => {
      const since = moment()
      const share = sumShares(
        this.#ring,
        contributors.map(({ deal }) => this.#shares.get(deal)!),
      )
      const body = { ...this.#attempt, announcement: hash, share }
      const made = messageBytes(signBody('answer', this.name, body, this.#identity))
      making = between(since, moment())
      return made
    })
    this.times.add('answer', making)
    this.times.add('disk', between(making, between(started, moment())))
    return messageFrom(bytes)
  }

  close(): void {
    this.#answers.close()
    this.#outbox.close()
  }
}
