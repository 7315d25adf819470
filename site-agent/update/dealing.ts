import { totalSteps } from '@tributary/shared/dp/steps'
import { CodedError } from '@tributary/shared/errors'
import type { SiteId } from '@tributary/shared/ids'
import { epochOf, firstEpochNeeded } from '@tributary/shared/study/epoch'
import type { Task } from '@tributary/shared/wire/federation-api'
import { isHolder } from '../policy/approved-study.ts'
import { peerVoices } from '../policy/peer-voices.ts'
import type { AttemptFields } from '../policy/round-guard.ts'
import type { AttemptDeals } from './attempt-deals.ts'
import { makeDeal } from './deal.ts'
import { PastRounds } from './past-rounds.ts'
import { removedSites } from './removed-sites.ts'
import type { RoundWorkerParts } from './round-parts.ts'
import { keyGone, type StudyAttempts } from './study-attempts.ts'

type DealTask = Extract<Task, { kind: 'deal' }>

/** Deals a fresh one-time key for an attempt, and lets go of what earlier attempts and epochs needed. */
export class Dealing {
  readonly #parts: RoundWorkerParts
  readonly #attempts: StudyAttempts
  readonly #deals: AttemptDeals
  readonly #past: PastRounds
  /** Epochs whose box keys the coordinator has had from this process. */
  readonly #brought = new Set<number>()
  /** Removed sites that the log has named. */
  readonly #told = new Set<SiteId>()

  constructor(parts: RoundWorkerParts, attempts: StudyAttempts, deals: AttemptDeals) {
    this.#parts = parts
    this.#attempts = attempts
    this.#deals = deals
    this.#past = new PastRounds(parts)
  }

  /** Throws `ROUND_REFUSED` for a step whose epoch is over here. */
  async perform(task: DealTask): Promise<void> {
    const { outbox, client, boxKeys } = this.#parts
    const fields = this.#attempts.fieldsOf(task)
    const { round, study, step } = fields
    const stored = outbox.dealt(round)
    if (stored !== undefined) {
      // Dealt before: the same bytes again while the key is alive, else this site is out of the attempt.
      if (stored === 'pruned' || !this.#attempts.isOpen(round)) return await this.#attempts.withdraw(fields, keyGone)
      this.#attempts.refuseUnapproved()
      return await client.putDeal(stored.message, stored.boxes, this.#attempts.refuseUnapproved)
    }
    boxKeys.refuseErased(study, epochOf(step))
    this.#attempts.refuseUnapproved()
    await this.#bringKeys(task)
    await this.#deal(fields, task, await this.#removed())
  }

  async #deal(fields: AttemptFields, { boxKeys }: DealTask, removed: readonly SiteId[]): Promise<void> {
    const { outbox, client, counters, log, sealing, boxKeys: ring } = this.#parts
    const { approved } = this.#attempts
    const { round, study, step } = fields
    const seen = counters.seen(study, peerVoices(approved))
    const { deal, unreachable } = await makeDeal(this.#parts, approved, fields, { boxKeys, seen, removed })
    const silent = unreachable.filter((site) => !removed.includes(site))
    if (silent.length > 0) log.warn({ round, unreachable: silent }, 'box keys of holders are missing or not usable')
    try {
      this.#attempts.refuseUnapproved()
      await outbox.storeDeal(round, deal, removed)
    } catch (thrown) {
      await sealing.erase(round)
      throw thrown
    }
    this.#attempts.begin(fields)
    await this.#forgetBefore(fields)
    ring.eraseBefore(study, firstEpochNeeded(step))
    this.#past.note(round, step)
    await client.putDeal(deal.message, deal.boxes, this.#attempts.refuseUnapproved)
    log.debug({ round, step }, 'dealt')
  }

  async #removed(): Promise<readonly SiteId[]> {
    const { log } = this.#parts
    const { approved } = this.#attempts
    const removed = await removedSites(this.#parts, approved)
    if (removed.includes(approved.me)) throw new CodedError('ROUND_REFUSED', 'this site was removed from the roster')
    const untold = removed.filter((site) => !this.#told.has(site))
    for (const site of untold) this.#told.add(site)
    if (untold.length > 0)
      log.warn({ study: approved.study, removed: untold }, 'removed from the roster, gets no share')
    return removed
  }

  /** This holder's box keys for the step's epoch and, ahead, the next one's: once a process, and again where they are missing. */
  async #bringKeys({ step, boxKeys: known }: DealTask): Promise<void> {
    const { boxKeys, client, identity } = this.#parts
    const { approved } = this.#attempts
    if (!isHolder(approved)) return
    const current = epochOf(step)
    if (!known.some(({ signer }) => signer === approved.me)) this.#brought.delete(current)
    const last = epochOf(totalSteps(approved.queries) - 1)
    for (const epoch of [current, current + 1]) {
      if (epoch > last || this.#brought.has(epoch)) continue
      await client.putBoxKeys(boxKeys.statement(approved.study, epoch, approved.me, identity))
      this.#brought.add(epoch)
    }
  }

  /** Erases the keys and shares of attempts that can no longer be asked for. */
  async #forgetBefore({ step, attempt }: AttemptFields): Promise<void> {
    const isOver = (held: { readonly step: number; readonly attempt: number }): boolean =>
      held.step < step - 1 || (held.step === step && held.attempt < attempt)
    await this.#attempts.endWhere(isOver)
    this.#deals.eraseWhere(isOver)
  }
}
