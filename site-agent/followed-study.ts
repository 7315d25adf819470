import { asCodedError, type CodedError, type ErrorCode } from '@tributary/shared/errors'
import type { SiteId, StudyId } from '@tributary/shared/ids'
import type { Task } from '@tributary/shared/wire/federation-api'
import type { AgentPorts } from './agent-ports.ts'
import { PendingQueries } from './contribution/pending-queries.ts'
import type { SiteQueries } from './contribution/query-thread.ts'
import { approvedStudy } from './policy/approved-study.ts'
import type { BookedStudy, SiteBook } from './policy/site-book.ts'
import { sourceDescription } from './source-description.ts'
import { RoundWorker, type RoundWorkerParts } from './update/round-worker.ts'
import type { Sealing } from './update/sealing.ts'

export interface FollowedParts {
  readonly ports: AgentPorts
  readonly book: SiteBook
  readonly site: { readonly name: SiteId; readonly holdoutFolder: string }
  readonly rounds: Omit<RoundWorkerParts, 'log' | 'isApproved' | 'execute' | 'sealing'>
  readonly report: (error: CodedError, what: string) => void
}

/** How long the coordinator may hold a request for work. */
const longPollMs = 20_000
/** Wait before the next try after an error. */
const pauseMs = 1_000
/** How long a study that is left may take to say so. */
const leaveMs = 3_000

/**
 * No waiting helps: somebody must enrol this site again, acknowledge that it was restored, or set its clock, or reinstall it.
 * An agent that goes on looks healthy and is not.
 */
export const final = new Set<ErrorCode>([
  'CERTIFICATE_EXPIRED',
  'CERTIFICATE_REVOKED',
  'CLOCK_SKEWED',
  'ENGINE_UNAVAILABLE',
  'LEDGER_RESTORED',
])

/** One approved study while its rounds may run, with its records and one-time keys each in a thread of their own. */
export class FollowedStudy {
  readonly #study: StudyId
  readonly #parts: FollowedParts
  #worker: RoundWorker | undefined
  #queries: PendingQueries | undefined
  /** Of this study alone: what another study's rows take must not show in when this one deals (R10). */
  #sealing: Sealing | undefined
  /** The table could not be read the last time: nothing is asked before it can be. */
  #isDoubtful = false

  constructor(study: StudyId, parts: FollowedParts) {
    this.#study = study
    this.#parts = parts
  }

  /**
   * Until the study is over or `signal` aborts; then gives up the attempts that this site is in the middle of. Returns the error that ends the agent, if there was one; any other is reported and tried again.
   */
  async follow(signal: AbortSignal): Promise<CodedError | undefined> {
    try {
      return await this.#work(signal)
    } finally {
      try {
        await this.#release()
      } finally {
        await this.#sealing?.close()
      }
    }
  }

  async #release(): Promise<void> {
    const [worker, queries] = [this.#worker, this.#queries]
    this.#worker = undefined
    this.#queries = undefined
    if (worker !== undefined) await Promise.race([worker.leave(), this.#parts.ports.clock.sleep(leaveMs)])
    await queries?.close()
  }

  /** A table that cannot be read: asks for no more work, so that nobody counts on this site, until it can be. */
  async #refuseUnreadable(): Promise<void> {
    try {
      if (this.#isDoubtful) await this.#queries?.read()
      this.#queries?.refuseUnreadable()
      this.#isDoubtful = false
    } catch (thrown) {
      this.#isDoubtful = true
      await this.#release()
      throw thrown
    }
  }

  readonly #isApproved = (): boolean => this.#parts.book.stateOf(this.#study) === 'approved'

  async #work(signal: AbortSignal): Promise<CodedError | undefined> {
    const { ports, book, rounds, report } = this.#parts
    const study = this.#study
    while (!signal.aborted) {
      try {
        if (!this.#isApproved()) return undefined
        const worker = (this.#worker ??= await this.#begin(book.booked(study)))
        await this.#refuseUnreadable()
        const task: Task = await rounds.client.next({ study, waitMs: longPollMs }, signal)
        // It may have been paused or revoked while the coordinator held the request.
        if (!this.#isApproved()) return undefined
        if (task.kind === 'wait') continue
        if (task.kind === 'finished') {
          ports.log.info({ study, outcome: task.outcome, reason: task.reason }, 'study finished')
          book.setState(study, 'finished')
          return undefined
        }
        await this.#refuseUnreadable()
        await worker.perform(task)
      } catch (thrown) {
        if (signal.aborted) return undefined
        const error = asCodedError(thrown)
        report(error, 'a step of the round failed')
        if (final.has(error.code)) return error
        await ports.clock.sleep(pauseMs, signal)
      }
    }
    return undefined
  }

  async #begin({ study, manifest, roster, source: named }: BookedStudy): Promise<RoundWorker> {
    const { ports, book, site, rounds } = this.#parts
    const approved = approvedStudy(study, manifest, roster, site.name)
    const source = sourceDescription(manifest.source, book.source(named))
    const holdout = manifest.evaluation === undefined ? {} : { holdout: site.holdoutFolder }
    const sealing = (this.#sealing ??= await ports.sealing())
    const queries = new PendingQueries(ports.queries({ manifest, site: site.name, source, ...holdout }))
    this.#queries = queries
    const execute: SiteQueries['execute'] = (order) => queries.execute(order)
    return new RoundWorker({ ...rounds, sealing, execute, log: ports.log, isApproved: this.#isApproved }, approved)
  }
}
