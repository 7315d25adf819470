import { asCodedError, type CodedError, type ErrorCode } from '@tributary/shared/errors'
import { ringFacts } from '@tributary/shared/he/ring-parameters'
import type { StudyId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import type { Task } from '@tributary/shared/wire/federation-api'
import type { Logger } from 'pino'
import type { EngineFacts, ThreadStudy } from './contribution/query-messages.ts'
import { PendingQueries } from './contribution/pending-queries.ts'
import { QueryThread, type SiteQueries } from './contribution/query-thread.ts'
import type { CertificateRenewal } from './enrolment/certificate-renewal.ts'
import type { SiteClient } from './link/client.ts'
import { Greeting } from './link/greeting.ts'
import { type ApprovedStudy, approvedStudy } from './policy/approved-study.ts'
import { RosterWatch } from './policy/roster-watch.ts'
import type { BookedStudy, SiteBook } from './policy/site-book.ts'
import type { Site } from './site.ts'
import { sourceDescription } from './source-description.ts'
import { RoundWorker, type RoundWorkerParts } from './update/round-worker.ts'
import { SealingThread } from './update/sealing-thread.ts'
import type { Sealing } from './update/sealing.ts'

export interface AgentPorts {
  readonly clock: Clock
  readonly log: Logger
  /** Bound by the composition root: production has a thread for each study's one-time keys, and one for its records. */
  readonly sealing: () => Promise<Sealing>
  readonly queries: (study: ThreadStudy) => Promise<SiteQueries>
}

/** `onEngine` is told what each study's thread computes with: none is loaded beside them. */
export const productionPorts = (
  clock: Clock,
  log: Logger,
  onEngine: (engine: EngineFacts) => void = () => undefined,
): AgentPorts => ({
  clock,
  log,
  sealing: () => SealingThread.open(),
  queries: async (study) => {
    const thread = await QueryThread.open(study)
    const { name, description } = await thread.engine()
    log.info({ engine: name, description }, 'engine chosen')
    onEngine({ name, description })
    return thread
  },
})

type AgentParts = Omit<RoundWorkerParts, 'log' | 'isApproved' | 'execute' | 'sealing' | 'rosterWatch'>

/** What is held for one study while it is followed. */
interface Held {
  worker?: RoundWorker
  queries?: PendingQueries
  /** Of this study alone: what another study's rows take must not show in when this one deals (R10). */
  sealing?: Sealing
  /** The table could not be read the last time: nothing is asked before it can be. */
  isDoubtful?: boolean
}

/** How long the coordinator may hold a request for work. */
const longPollMs = 20_000
/** Wait before the next try after an error, and between looks at what the officer decided. */
const pauseMs = 1_000
/** How long a study that is left may take to say so. */
const leaveMs = 3_000

/**
 * No waiting helps: somebody must enrol this site again, acknowledge that it was restored, or set its clock, or reinstall it.
 * An agent that goes on looks healthy and is not.
 */
const final = new Set<ErrorCode>([
  'CERTIFICATE_EXPIRED',
  'CERTIFICATE_REVOKED',
  'CLOCK_SKEWED',
  'ENGINE_UNAVAILABLE',
  'LEDGER_RESTORED',
])

/**
 * Runs a site: asks for work on every approved study and does it, until `signal` aborts or, with `untilFinished`, until every
 * approved study has finished. Errors are logged by code and tried again, for ever; only where the coordinator refuses this
 * certificate for good, this site came back from a backup, no tensor engine loads, or the clock is wrong by more than ten minutes at the start, does
 * `run` end by throwing that.
 */
export class Agent {
  readonly #site: Site
  readonly #ports: AgentPorts
  readonly #parts: AgentParts
  readonly #book: SiteBook
  readonly #rosterWatch: RosterWatch
  readonly #greeting: Greeting
  readonly #renewal: CertificateRenewal
  readonly #close: () => void
  #renewing: Promise<void> | null = null
  #end: CodedError | undefined

  private constructor(site: Site, ports: AgentPorts, parts: AgentParts, unlock: () => void) {
    const book = site.openBook()
    this.#site = site
    this.#ports = ports
    this.#parts = parts
    this.#book = book
    this.#rosterWatch = new RosterWatch({ book, client: parts.client })
    this.#greeting = new Greeting({ ...ports, client: parts.client })
    this.#renewal = site.renewal(parts.client)
    this.#close = () => {
      for (const part of [parts.outbox, parts.ledger, parts.answers, parts.counters, book, parts.client]) part.close()
      unlock()
    }
  }

  /** Throws, before anything is opened, `STORE_LOCKED` where another agent runs here, `VOLATILE_LOST`, `LEDGER_RESTORED`. */
  static async open(site: Site, ports: AgentPorts): Promise<Agent> {
    const lock = site.lock()
    try {
      return await Agent.#open(site, ports, lock.release)
    } catch (thrown) {
      lock.release()
      throw thrown
    }
  }

  static async #open(site: Site, ports: AgentPorts, unlock: () => void): Promise<Agent> {
    site.requireVolatile()
    site.refuseRestored()
    // A program whose SEAL is not the one it was made with seals nothing: known now, not when the first round begins.
    await (await ports.sealing()).close()
    const parts = {
      ring: ringFacts,
      identity: site.identity,
      client: site.connect(),
      outbox: site.openOutbox(),
      ledger: site.openLedger(),
      answers: site.openAnswers(),
      counters: site.openCounters(),
      boxKeys: site.boxKeys(),
      clock: ports.clock,
    }
    return new Agent(site, ports, parts, unlock)
  }

  get client(): SiteClient {
    return this.#parts.client
  }

  async run(options: { readonly untilFinished: boolean }, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports
    const own = new AbortController()
    const stop = AbortSignal.any([signal, own.signal])
    const running = new Map<StudyId, { readonly ended: Promise<void>; readonly leave: () => void }>()
    const follow = (study: StudyId): void => {
      if (running.has(study)) return
      const left = new AbortController()
      const ended = this.#follow(study, AbortSignal.any([stop, left.signal])).finally(() => running.delete(study))
      running.set(study, { ended, leave: () => left.abort() })
    }
    let greetings: Promise<void> = Promise.resolve()
    try {
      await this.#greet(stop)
      greetings = this.#greeting.keep(stop)
      let isPruned = false
      while (!stop.aborted && this.#end === undefined) {
        this.#renewIfDue()
        try {
          const due = this.#book.approved()
          for (const study of due) follow(study)
          // Paused, revoked or finished: it lets go of what it holds, so that nobody waits for this site.
          for (const [study, { leave }] of running) if (!due.includes(study)) leave()
          const isIdle = due.length === 0 && running.size === 0
          // No round of any study can come any more: sealed bytes that are left are of no use. A paused study may be resumed.
          const isOver = isIdle && !this.#book.hasOpenStudy()
          if (isOver && !isPruned) this.#parts.outbox.prune(new Set())
          isPruned = isOver
          if (options.untilFinished && isOver) return
        } catch (thrown) {
          this.#report(asCodedError(thrown), 'the studies of this site could not be looked at')
        }
        await clock.sleep(pauseMs, stop)
      }
    } finally {
      own.abort()
      // They use the stores until they end.
      await Promise.allSettled([...running.values()].map(({ ended }) => ended))
      await Promise.allSettled([greetings, this.#renewing])
      this.#close()
      log.info('agent stopped')
    }
    if (this.#end !== undefined) throw this.#end
  }

  #renewIfDue(): void {
    const { clock, log } = this.#ports
    if (this.#renewing !== null || !this.#renewal.isDue(clock.now())) return
    this.#renewing = this.#renewal
      .renew()
      .then(() => log.info({ expires: new Date(this.#renewal.expires).toISOString() }, 'certificate renewed'))
      .catch((thrown: unknown) => this.#report(asCodedError(thrown), 'the certificate was not renewed'))
      .finally(() => {
        this.#renewing = null
      })
  }

  /** Health is "registered and trusted": the coordinator must accept this certificate before anything else is tried. */
  async #greet(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#ports
    while (!signal.aborted) {
      try {
        await this.#greeting.first()
        log.info({ site: this.#site.name }, 'registered and trusted')
        return
      } catch (thrown) {
        const error = asCodedError(thrown)
        if (final.has(error.code)) throw error
        this.#report(error, 'the coordinator does not accept this site yet')
        await clock.sleep(pauseMs, signal)
      }
    }
  }

  /** Until the study is over or `signal` aborts; then gives up the attempts that this site is in the middle of. */
  async #follow(study: StudyId, signal: AbortSignal): Promise<void> {
    const held: Held = {}
    try {
      await this.#work(study, held, signal)
    } finally {
      await this.#release(held)
    }
  }

  async #release(held: Held): Promise<void> {
    const { worker, queries, sealing } = held
    delete held.worker
    delete held.queries
    delete held.sealing
    if (worker !== undefined) await Promise.race([worker.leave(), this.#ports.clock.sleep(leaveMs)])
    await Promise.all([queries?.close(), sealing?.close()])
  }

  /** A table that cannot be read: asks for no more work, so that nobody counts on this site, until it can be. */
  async #refuseUnreadable(held: Held): Promise<void> {
    try {
      if (held.isDoubtful === true) await held.queries?.read()
      held.queries?.refuseUnreadable()
      held.isDoubtful = false
    } catch (thrown) {
      held.isDoubtful = true
      await this.#release(held)
      throw thrown
    }
  }

  async #work(study: StudyId, held: Held, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports
    const isApproved = () => this.#book.stateOf(study) === 'approved'
    while (!signal.aborted) {
      try {
        if (!isApproved()) return
        const worker = (held.worker ??= await this.#worker(this.#book.booked(study), held, isApproved))
        await this.#refuseUnreadable(held)
        const task: Task = await this.#parts.client.next({ study, waitMs: longPollMs }, signal)
        // It may have been paused or revoked while the coordinator held the request.
        if (!isApproved()) return
        if (task.kind === 'wait') continue
        if (task.kind === 'finished') {
          log.info({ study, outcome: task.outcome, reason: task.reason }, 'study finished')
          this.#book.setState(study, 'finished')
          return
        }
        await this.#refuseUnreadable(held)
        await worker.perform(task)
      } catch (thrown) {
        if (signal.aborted) return
        const error = asCodedError(thrown)
        this.#report(error, 'a step of the round failed')
        if (final.has(error.code)) {
          this.#end = error
          return
        }
        await clock.sleep(pauseMs, signal)
      }
    }
  }

  async #worker(booked: BookedStudy, held: Held, isApproved: () => boolean): Promise<RoundWorker> {
    const approved: ApprovedStudy = approvedStudy(booked.study, booked.manifest, booked.roster, this.#site.name)
    const source = sourceDescription(booked.manifest.source, this.#book.source(booked.source))
    const { manifest } = booked
    const holdout = manifest.evaluation === undefined ? {} : { holdout: this.#site.holdoutFolder }
    const sealing = (held.sealing ??= await this.#ports.sealing())
    const queries = new PendingQueries(this.#ports.queries({ manifest, site: this.#site.name, source, ...holdout }))
    held.queries = queries
    const execute: SiteQueries['execute'] = (order) => queries.execute(order)
    const { log } = this.#ports
    const parts = { ...this.#parts, sealing, rosterWatch: this.#rosterWatch, execute, log, isApproved }
    return new RoundWorker(parts, approved)
  }

  /** Codes and our own words only: a cause may hold anything. */
  #report(error: CodedError, what: string): void {
    this.#ports.log.warn({ code: error.code, why: error.message, place: error.place }, what)
  }
}
