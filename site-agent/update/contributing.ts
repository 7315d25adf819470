import { asCodedError } from '@tributary/shared/errors'
import type { Body } from '@tributary/shared/wire/body'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { attemptOf, openBroadcast } from '../policy/round-guard.ts'
import type { AttemptDeals } from './attempt-deals.ts'
import type { StoredContribution } from './outbox.ts'
import { type ReceivedDeals, refuseTooFewPeers } from './received-deals.ts'
import { roundModel } from './round-model.ts'
import type { RoundWorkerParts } from './round-parts.ts'
import { sealContribution } from './sealed-contribution.ts'
import { sendTime } from './send-time.ts'
import { keyGone, type StudyAttempts } from './study-attempts.ts'

/** Answers a query over this site's rows for the announced model, charges, seals, stores and sends it, in this order. */
export class Contributing {
  readonly #parts: RoundWorkerParts
  readonly #attempts: StudyAttempts
  readonly #deals: AttemptDeals

  constructor(parts: RoundWorkerParts, attempts: StudyAttempts, deals: AttemptDeals) {
    this.#parts = parts
    this.#attempts = attempts
    this.#deals = deals
  }

  async perform(message: SignedMessage): Promise<void> {
    const { outbox, clock, log, client } = this.#parts
    const { approved } = this.#attempts
    const broadcast = openBroadcast(message, approved, (round) => this.#attempts.ownDeal(round))
    const { round, model, step, attempt } = broadcast
    const isOpen = this.#attempts.isOpen(round)
    const weights = await roundModel(client, approved, broadcast)
    const fields = attemptOf(approved, step, attempt)
    if (isOpen) await this.#readPeers(broadcast)
    const begun = isOpen ? outbox.begin({ round, model }) : this.#begunBefore(broadcast)
    if (begun?.state === 'sealed') return await this.#send(fields, begun.contribution)
    if (!isOpen) return await this.#attempts.withdraw(fields, keyGone)
    if (begun?.state !== 'begun') return await this.#attempts.withdraw(fields, 'begun before and never sealed')
    // From here: the coordinator sets how long the downloads took, and must not be able to shift the schedule.
    const started = clock.now()
    let sealed: StoredContribution
    try {
      sealed = await this.#seal(broadcast, weights)
    } catch (thrown) {
      await this.#attempts.end(round)
      await this.#untilSendTime(started)
      // What was begun is never begun again: nobody need wait for this site.
      await this.#attempts.withdraw(fields, `the contribution failed with ${asCodedError(thrown).code}`)
      throw thrown
    }
    await this.#attempts.end(round)
    await this.#untilSendTime(started)
    await this.#send(fields, sealed)
    const bytes = sealed.parts.reduce((sum, { length }) => sum + length, 0)
    log.info({ round, step, attempt, bytes }, 'contributed')
  }

  /** R4: what this site's peers saw of it comes before anything is sealed. */
  async #readPeers(broadcast: Body<'broadcast'>): Promise<void> {
    const { approved } = this.#attempts
    const isEnough = (received: ReceivedDeals): boolean => {
      try {
        refuseTooFewPeers(received, approved)
        return true
      } catch {
        return false
      }
    }
    const received = await this.#deals.of(attemptOf(approved, broadcast.step, broadcast.attempt), isEnough)
    refuseTooFewPeers(received, approved)
  }

  #begunBefore({ round }: Body<'broadcast'>) {
    const contribution = this.#parts.outbox.stored(round)
    return contribution && ({ state: 'sealed', contribution } as const)
  }

  /** Runs the query, charges it, seals its result and stores it, in this order. */
  async #seal(broadcast: Body<'broadcast'>, weights: Float32Array): Promise<StoredContribution> {
    const { outbox, ledger, counters } = this.#parts
    const { approved } = this.#attempts
    const { round, query, step, attempt } = broadcast
    const contribution = await this.#parts.execute({
      manifest: approved.manifest,
      site: approved.me,
      queryIndex: query,
      parameters: weights,
    })
    const counter = counters.nextOwn()
    this.#attempts.refuseUnapproved()
    // Charged in full before the sealed bytes exist at all (R6).
    const { study } = approved
    ledger.charge({ study, round, query, step, attempt })
    const own = { counter, charged: ledger.charged(study) }
    const sealed = await sealContribution(this.#parts, approved, broadcast, own, contribution)
    await outbox.store(round, sealed)
    return sealed
  }

  /** Sends sealed bytes, charged already (R6); withdraws instead where the study was paused or revoked since. */
  async #send(fields: Body<'withdrawal'>, { message, parts, hashes }: StoredContribution): Promise<void> {
    const { client, isApproved, outbox } = this.#parts
    try {
      this.#attempts.refuseUnapproved()
      await client.contribute(message, parts, this.#attempts.refuseUnapproved, hashes)
    } catch (thrown) {
      if (!isApproved()) await this.#attempts.withdraw(fields, 'paused or revoked before the contribution was sent')
      throw thrown
    }
    // From now on a contributor set without this site is refused.
    outbox.acknowledge(fields.round)
  }

  async #untilSendTime(started: number): Promise<void> {
    const { clock } = this.#parts
    const now = clock.now()
    const every = this.#attempts.approved.manifest.deadlines.send_every_milliseconds
    await clock.sleep(sendTime(started, now, every) - now)
  }
}
