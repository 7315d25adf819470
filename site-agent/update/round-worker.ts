import { asCodedError, CodedError } from '@tributary/shared/errors'
import type { Ring } from '@tributary/shared/he/ring'
import { sumShares } from '@tributary/shared/he/shamir'
import type { SiteKey } from '@tributary/shared/he/site-key'
import type { Digest, RoundId } from '@tributary/shared/ids'
import type { Clock, RandomStreams } from '@tributary/shared/ports'
import { type Body, messageBytes, messageFrom, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { Task } from '@tributary/shared/wire/federation-api'
import type { IdentityKey, SignedMessage } from '@tributary/shared/wire/signed'
import type { Logger } from 'pino'
import type { SiteQueries } from '../contribution/query-thread.ts'
import type { Ledger, Restored } from '../ledger/ledger.ts'
import type { SiteClient } from '../link/client.ts'
import type { AnswerLog } from '../policy/answer-log.ts'
import type { ApprovedStudy } from '../policy/approved-study.ts'
import type { BoxKeyRing } from '../policy/box-key-ring.ts'
import type { PeerCounters } from '../policy/peer-counters.ts'
import { countersIn, peerVoices } from '../policy/peer-voices.ts'
import { type AttemptFields, attemptOf, openAnnouncement, openBroadcast } from '../policy/round-guard.ts'
import { makeDeal } from './deal.ts'
import { forgottenContributions } from './forgotten-contributions.ts'
import { HeldShares } from './held-shares.ts'
import type { Outbox, StoredContribution } from './outbox.ts'
import { receiveDeals, refuseTooFewPeers } from './received-deals.ts'
import { roundModel } from './round-model.ts'
import { sealContribution } from './seal.ts'
import { sendTime } from './send-time.ts'

export interface RoundWorkerParts {
  readonly ring: Ring
  readonly identity: IdentityKey
  readonly client: SiteClient
  readonly outbox: Outbox
  readonly ledger: Ledger
  readonly answers: AnswerLog
  readonly counters: PeerCounters
  readonly boxKeys: BoxKeyRing
  /** A new operating-system key per attempt and purpose (R16). */
  readonly streams: () => RandomStreams
  /** Answers a query of this study over this site's records, wherever they are. */
  readonly execute: SiteQueries['execute']
  readonly clock: Clock
  readonly log: Logger
  /** Asked right before a charge and before every try of sending: false once the officer paused or revoked the study. */
  readonly isApproved: () => boolean
}

interface HeldKey {
  readonly key: SiteKey
  readonly step: number
  readonly attempt: number
  /** Hash of the deal that shared it out. */
  readonly deal: Digest
}

const keyGone = 'the one-time key is gone'

/**
 * Does a site's part of a round: deals, contributes, answers. What must be durable is, before anything leaves: the deal, the
 * charge, the sealed bytes, the announced set. A repeated task sends the stored bytes; one-time keys live in memory only, so a
 * restart in mid-round withdraws. Holds at most the keys of the open rounds.
 */
export class RoundWorker {
  readonly #parts: RoundWorkerParts
  readonly #approved: ApprovedStudy
  readonly #keys = new Map<RoundId, HeldKey>()
  /** Rounds whose bytes are in the outbox, with their steps. */
  readonly #kept = new Map<RoundId, number>()
  readonly #shares = new HeldShares()

  constructor(parts: RoundWorkerParts, approved: ApprovedStudy) {
    this.#parts = parts
    this.#approved = approved
  }

  /** Throws, besides what a round refuses, `LEDGER_RESTORED` for every task once this site is known to have gone back (R4). */
  async perform(task: Exclude<Task, { kind: 'wait' | 'finished' }>): Promise<void> {
    this.#parts.ledger.refuseRestored()
    switch (task.kind) {
      case 'deal':
        return await this.#deal(task)
      case 'contribute':
        return await this.#contribute(task.broadcast)
      case 'answer':
        return await this.#answer(task.announcement)
    }
  }

  /**
   * Gives up every attempt that was dealt for and not contributed to, so that nobody waits for this site: the officer paused or
   * revoked the study, or the agent stops. Erases their keys; never rejects.
   */
  async leave(): Promise<void> {
    for (const [round, { step, attempt }] of this.#keys) {
      this.#eraseKey(round)
      try {
        await this.#withdraw(attemptOf(this.#approved, step, attempt), 'this site leaves the study for now')
      } catch (thrown) {
        this.#parts.log.debug({ round, code: asCodedError(thrown).code }, 'a withdrawal was not taken')
      }
    }
  }

  async #deal({ study, step, attempt, boxKeys }: Extract<Task, { kind: 'deal' }>): Promise<void> {
    const { outbox, client, log } = this.#parts
    if (study !== this.#approved.study) throw new CodedError('ROUND_REFUSED', 'a deal for another study')
    const fields = attemptOf(this.#approved, step, attempt)
    const stored = outbox.dealt(fields.round)
    if (stored !== undefined) {
      // Dealt before: the same bytes again while the key is alive, else this site is out of the attempt.
      if (stored === 'pruned' || !this.#keys.has(fields.round)) return await this.#withdraw(fields, keyGone)
      this.#refuseUnapproved()
      return await client.putDeal(stored.message, stored.boxes, this.#refuseUnapproved)
    }
    const random = this.#parts.streams()('key')
    const seen = this.#parts.counters.seen(study, peerVoices(this.#approved))
    const { key, deal, unreachable } = makeDeal({ ...this.#parts, random }, this.#approved, fields, boxKeys, seen)
    if (unreachable.length > 0) log.warn({ round: fields.round, unreachable }, 'box keys of holders are not usable')
    this.#refuseUnapproved()
    outbox.storeDeal(fields.round, deal)
    this.#keys.set(fields.round, { key, step, attempt, deal: hashBytes(deal.message.body) })
    this.#forgetBefore(step, attempt)
    await client.putDeal(deal.message, deal.boxes, this.#refuseUnapproved)
    log.debug({ round: fields.round, step }, 'dealt')
    this.#discardBefore(step, fields.round)
  }

  async #contribute(message: SignedMessage): Promise<void> {
    const { outbox, clock, log } = this.#parts
    const broadcast = openBroadcast(message, this.#approved, (round) => this.#ownDeal(round))
    const { round, model, step, attempt } = broadcast
    const key = this.#keys.get(round)?.key
    const weights = await roundModel(this.#parts.client, this.#approved, broadcast)
    const fields = attemptOf(this.#approved, step, attempt)
    if (key !== undefined) await this.#fetchShares(fields, broadcast.dealers.length)
    const begun = key === undefined ? this.#begunBefore(round) : outbox.begin({ round, model })
    if (begun?.state === 'sealed') return await this.#send(fields, begun.contribution)
    if (key === undefined) return await this.#withdraw(fields, keyGone)
    if (begun?.state !== 'begun') return await this.#withdraw(fields, 'begun before and never sealed')
    // From here: the coordinator sets how long the downloads took, and must not be able to shift the schedule.
    const started = clock.now()
    let sealed: StoredContribution
    try {
      sealed = await this.#seal(broadcast, key, weights)
    } catch (thrown) {
      this.#eraseKey(round)
      await this.#untilSendTime(started)
      // What was begun is never begun again: nobody need wait for this site.
      await this.#withdraw(fields, `the contribution failed with ${asCodedError(thrown).code}`)
      throw thrown
    }
    this.#eraseKey(round)
    await this.#untilSendTime(started)
    await this.#send(fields, sealed)
    log.info({ round, step, attempt, bytes: sealed.ciphertext.length }, 'contributed')
  }

  /** Sends sealed bytes, charged already (R6); withdraws instead where the study was paused or revoked since. */
  async #send(fields: Body<'withdrawal'>, { message, ciphertext }: StoredContribution): Promise<void> {
    const { client, isApproved } = this.#parts
    try {
      this.#refuseUnapproved()
      await client.contribute(message, ciphertext, this.#refuseUnapproved)
    } catch (thrown) {
      if (!isApproved()) await this.#withdraw(fields, 'paused or revoked before the contribution was sent')
      throw thrown
    }
  }

  async #untilSendTime(started: number): Promise<void> {
    const { clock } = this.#parts
    const now = clock.now()
    await clock.sleep(sendTime(started, now, this.#approved.manifest.deadlines.send_every_milliseconds) - now)
  }

  /** Runs the query, charges it, seals its result and stores it, in this order. */
  async #seal(broadcast: Body<'broadcast'>, key: SiteKey, weights: Float32Array): Promise<StoredContribution> {
    const { outbox, ledger, counters } = this.#parts
    const { round, query, step, attempt } = broadcast
    const contribution = await this.#parts.execute({
      manifest: this.#approved.manifest,
      site: this.#approved.me,
      queryIndex: query,
      parameters: weights,
    })
    const counter = counters.nextOwn()
    this.#refuseUnapproved()
    // Charged in full before the sealed bytes exist at all (R6).
    const { study } = this.#approved
    ledger.charge({ study, round, query, step, attempt })
    const own = { key, counter, charged: ledger.charged(study) }
    const sealed = sealContribution(this.#parts, this.#approved, broadcast, own, contribution)
    outbox.store(round, sealed)
    return sealed
  }

  async #answer(message: SignedMessage): Promise<void> {
    const { answers, counters, outbox, client, identity, ring, log } = this.#parts
    const { body, contributors, hash } = openAnnouncement(
      message,
      this.#approved,
      (round) => outbox.stored(round)?.message,
    )
    const { study, step, attempt, round, roster } = body
    const shares = await this.#fetchShares(attemptOf(this.#approved, step, attempt))
    const summands = contributors.map(({ site, deal }) => {
      const share = shares.get(deal)
      if (share === undefined) throw new CodedError('BOX_INVALID', `there is no valid box of ${site} for this round`)
      return share
    })
    const peerCounters = countersIn(contributors, this.#approved)
    this.#refuseUnapproved()
    const bytes = answers.answer({ study, step, attempt, announcement: hash }, () => {
      // Inside: a repeated request for an older attempt gets its stored bytes, whatever was seen since.
      counters.observe(...peerCounters)
      const share = sumShares(ring, summands)
      const fields = { study, step, attempt, round, roster, announcement: hash, share }
      return messageBytes(signBody('answer', this.#approved.me, fields, identity))
    })
    await client.answer(messageFrom(bytes), this.#refuseUnapproved)
    this.#shares.erase(round)
    log.info({ round, step, attempt, contributors: contributors.map(({ site }) => site) }, 'answered')
  }

  readonly #refuseUnapproved = (): void => {
    if (!this.#parts.isApproved()) throw new CodedError('ROUND_REFUSED', 'the study was paused or revoked here')
  }

  #eraseKey(round: RoundId): void {
    this.#keys.get(round)?.key.erase()
    this.#keys.delete(round)
  }

  async #withdraw(fields: Body<'withdrawal'>, why: string): Promise<void> {
    this.#parts.log.warn({ round: fields.round, step: fields.step, why }, 'withdrawn from this attempt')
    await this.#parts.client.withdraw(signBody('withdrawal', this.#approved.me, fields, this.#parts.identity))
  }

  #ownDeal(round: RoundId): Digest | undefined {
    const held = this.#keys.get(round)
    if (held !== undefined) return held.deal
    const dealt = this.#parts.outbox.dealt(round)
    return dealt === undefined || dealt === 'pruned' ? undefined : hashBytes(dealt.message.body)
  }

  #begunBefore(round: RoundId) {
    const contribution = this.#parts.outbox.stored(round)
    return contribution && ({ state: 'sealed', contribution } as const)
  }

  /** This site's share of every dealer's key, by the hash of the deal. `dealers`: how many dealt, where it is about to seal. */
  async #fetchShares(fields: AttemptFields, dealers?: number): Promise<Map<Digest, Uint8Array>> {
    const { round, step, attempt } = fields
    const known = this.#shares.get(round)
    if (known !== undefined) return known
    const received = receiveDeals(await this.#parts.client.boxes(round), this.#parts, this.#approved, fields)
    const forgotten = forgottenContributions(received.peers, this.#parts)
    if (forgotten.length > 0) await this.#stopRestored(fields, forgotten)
    if (dealers !== undefined) refuseTooFewPeers(received, this.#approved, dealers)
    const { shares, refused } = received
    // A box that was only damaged on the way may be whole the next time.
    this.#shares.put(round, { step, attempt, shares, isWhole: refused === 0 })
    return shares
  }

  /** Written down first: no process of this site charges anything from then on. */
  async #stopRestored(fields: AttemptFields, restored: readonly Restored[]): Promise<void> {
    const { ledger, log } = this.#parts
    for (const each of restored) ledger.noteRestored(each)
    log.error({ restored, code: 'LEDGER_RESTORED' }, 'this site came back from a backup, or a copy of it is at work')
    const isOpen = this.#keys.has(fields.round)
    this.#eraseKey(fields.round)
    if (isOpen) await this.#withdraw(fields, 'this site came back from a backup')
    ledger.refuseRestored()
  }

  /** Sealed bytes of steps long past are of no use to anybody; a handful at a time, and no reason to fail if it does. */
  #discardBefore(step: number, round: RoundId): void {
    const past = [...this.#kept].filter(([, at]) => at < step - 1).map(([each]) => each)
    this.#kept.set(round, step)
    if (past.length < 16) return
    try {
      this.#parts.outbox.discard(past)
      for (const each of past) this.#kept.delete(each)
    } catch (thrown) {
      const { code, message: why } = asCodedError(thrown)
      this.#parts.log.warn({ code, why }, 'sealed bytes of past rounds were not removed')
    }
  }

  /** Erases the keys and shares of attempts that can no longer be asked for. */
  #forgetBefore(step: number, attempt: number): void {
    const isOver = (held: { readonly step: number; readonly attempt: number }): boolean =>
      held.step < step - 1 || (held.step === step && held.attempt < attempt)
    for (const [round, held] of this.#keys) if (isOver(held)) this.#eraseKey(round)
    this.#shares.eraseWhere(isOver)
  }
}
