import type { Task } from '@tributary/shared/wire/federation-api'
import type { ApprovedStudy } from '../policy/approved-study.ts'
import { Answering } from './answering.ts'
import { AttemptDeals } from './attempt-deals.ts'
import { Checking } from './checking.ts'
import { Contributing } from './contributing.ts'
import { Dealing } from './dealing.ts'
import { Disputing } from './disputing.ts'
import type { RoundWorkerParts } from './round-parts.ts'
import { StudyAttempts } from './study-attempts.ts'

export type { RoundWorkerParts } from './round-parts.ts'

/**
 * Does a site's part of a round: deals, checks, contributes, answers, and settles disputes. What must be durable is, before anything
 * leaves: the deal, the charge, the sealed bytes, the announced set, the promise never to seal under an opened deal. A repeated task
 * sends the stored bytes; one-time keys live in `sealing` only, so a restart in mid-round withdraws. One task at a time.
 */
export class RoundWorker {
  readonly #parts: RoundWorkerParts
  readonly #attempts: StudyAttempts
  readonly #dealing: Dealing
  readonly #checking: Checking
  readonly #contributing: Contributing
  readonly #answering: Answering
  readonly #disputing: Disputing

  constructor(parts: RoundWorkerParts, approved: ApprovedStudy) {
    const attempts = new StudyAttempts(parts, approved)
    const deals = new AttemptDeals(parts, attempts)
    this.#parts = parts
    this.#attempts = attempts
    this.#dealing = new Dealing(parts, attempts, deals)
    this.#checking = new Checking(parts, attempts, deals)
    this.#contributing = new Contributing(parts, attempts, deals)
    this.#answering = new Answering(parts, attempts, deals)
    this.#disputing = new Disputing(parts, attempts, deals)
  }

  /** Throws, besides what a round refuses, `LEDGER_RESTORED` for every task once this site is known to have gone back (R4). */
  async perform(task: Exclude<Task, { kind: 'wait' | 'finished' }>): Promise<void> {
    this.#parts.ledger.refuseRestored()
    switch (task.kind) {
      case 'deal':
        return await this.#dealing.perform(task)
      case 'check':
        return await this.#checking.perform(task)
      case 'contribute':
        return await this.#contributing.perform(task.broadcast)
      case 'answer':
        return await this.#answering.perform(task.announcement)
      case 'open-deal':
        return await this.#disputing.openDeal(task)
      case 'open-box':
        return await this.#disputing.openBox(task)
    }
  }

  /**
   * Gives up every attempt that was dealt for and not contributed to, so that nobody waits for this site: the officer paused or
   * revoked the study, or the agent stops. Erases their keys; never rejects.
   */
  leave(): Promise<void> {
    return this.#attempts.leave()
  }
}
