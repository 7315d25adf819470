import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { asCodedError, type CodedError } from '@tributary/shared/errors'
import { createRing } from '@tributary/shared/he/ring'
import type { StudyId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { type Engine, loadEngine } from '@tributary/shared/tensor/engine'
import type { CoordinatorClient, Task } from '@tributary/shared/wire/federation-api'
import { PROTOCOL_VERSION } from '@tributary/shared/wire/signed'
import type { Logger } from 'pino'
import { executeQuery } from './contribution/plan.ts'
import { type ApprovedStudy, approvedStudy } from './policy/approved-study.ts'
import type { BookedStudy, SiteBook } from './policy/site-book.ts'
import { loadRecords } from './records/load-records.ts'
import type { Site } from './site.ts'
import { sourceDescription } from './source-description.ts'
import { RoundWorker, type RoundWorkerParts } from './update/round-worker.ts'

export interface AgentPorts {
  readonly clock: Clock
  readonly log: Logger
  /** Bound by the composition root: production takes the operating system's randomness and the real query. */
  readonly streams: RoundWorkerParts['streams']
  readonly execute: RoundWorkerParts['execute']
}

export const productionPorts = (clock: Clock, log: Logger): AgentPorts => ({
  clock,
  log,
  streams: osRandomStreams,
  execute: executeQuery,
})

type AgentParts = Omit<RoundWorkerParts, 'log' | 'isApproved'>

/** How long the coordinator may hold a request for work. */
const longPollMs = 20_000
/** Wait before the next try after an error, and between looks for newly approved studies. */
const pauseMs = 1_000

/**
 * Runs a site: asks for work on every approved study and does it, until `signal` aborts or, with `untilFinished`, until every
 * approved study has finished. Errors are logged by code and tried again: the agent never gives up by itself.
 */
export class Agent {
  readonly #site: Site
  readonly #ports: AgentPorts
  readonly #parts: AgentParts
  readonly #book: SiteBook
  readonly #close: () => void

  private constructor(site: Site, ports: AgentPorts, parts: AgentParts, book: SiteBook) {
    this.#site = site
    this.#ports = ports
    this.#parts = parts
    this.#book = book
    this.#close = () => {
      for (const part of [parts.outbox, parts.ledger, parts.answers, parts.counters, book, parts.client]) part.close()
    }
  }

  /** Throws `VOLATILE_LOST` before anything is opened. */
  static async open(site: Site, ports: AgentPorts): Promise<Agent> {
    site.requireVolatile()
    const [engine, ring] = await Promise.all([loadEngine(), createRing()])
    const parts = {
      ring,
      engine,
      identity: site.identity,
      client: site.connect(),
      outbox: site.openOutbox(),
      ledger: site.openLedger(),
      answers: site.openAnswers(),
      counters: site.openCounters(),
      boxKeys: site.boxKeys(),
      clock: ports.clock,
      streams: ports.streams,
      execute: ports.execute,
    }
    return new Agent(site, ports, parts, site.openBook())
  }

  get engine(): Engine {
    return this.#parts.engine
  }

  get client(): CoordinatorClient {
    return this.#parts.client
  }

  async run(options: { readonly untilFinished: boolean }, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports
    const own = new AbortController()
    const stop = AbortSignal.any([signal, own.signal])
    const running = new Map<StudyId, Promise<void>>()
    const follow = (study: StudyId): void => {
      if (running.has(study)) return
      const following = this.#follow(study, stop).finally(() => running.delete(study))
      running.set(study, following)
    }
    try {
      await this.#greet(stop)
      let isPruned = false
      while (!stop.aborted) {
        try {
          const due = this.#book.approved()
          for (const study of due) follow(study)
          const isIdle = due.length === 0 && running.size === 0
          // No round of any study can come any more: sealed bytes that are left are of no use. A paused study may be resumed.
          const isOver = isIdle && !this.#book.hasOpenStudy()
          if (isOver && !isPruned) this.#parts.outbox.prune(new Set())
          isPruned = isOver
          if (options.untilFinished && isIdle) return
        } catch (thrown) {
          this.#report(asCodedError(thrown), 'the studies of this site could not be looked at')
        }
        await clock.sleep(pauseMs, stop)
      }
    } finally {
      own.abort()
      // They use the stores until they end.
      await Promise.allSettled(running.values())
      this.#close()
      log.info('agent stopped')
    }
  }

  /** Health is "registered and trusted": the coordinator must accept this certificate before anything else is tried. */
  async #greet(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#ports
    while (!signal.aborted) {
      try {
        await this.#parts.client.hello({ protocols: [PROTOCOL_VERSION], software: 'site-agent' })
        log.info({ engine: this.engine.name, site: this.#site.name }, 'registered and trusted')
        return
      } catch (thrown) {
        this.#report(asCodedError(thrown), 'the coordinator does not accept this site yet')
        await clock.sleep(pauseMs, signal)
      }
    }
  }

  async #follow(study: StudyId, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports
    const isApproved = () => this.#book.stateOf(study) === 'approved'
    let worker: RoundWorker | undefined
    while (!signal.aborted) {
      try {
        if (!isApproved()) return
        worker ??= await this.#worker(this.#book.booked(study), isApproved)
        const task: Task = await this.#parts.client.next({ study, waitMs: longPollMs }, signal)
        // It may have been paused or revoked while the coordinator held the request.
        if (!isApproved()) return
        if (task.kind === 'wait') continue
        if (task.kind === 'finished') {
          log.info({ study, outcome: task.outcome, reason: task.reason }, 'study finished')
          this.#book.setState(study, 'finished')
          return
        }
        await worker.perform(task)
      } catch (thrown) {
        if (signal.aborted) return
        this.#report(asCodedError(thrown), 'a step of the round failed')
        await clock.sleep(pauseMs, signal)
      }
    }
  }

  async #worker(booked: BookedStudy, isApproved: () => boolean): Promise<RoundWorker> {
    const approved: ApprovedStudy = approvedStudy(booked.study, booked.manifest, booked.roster, this.#site.name)
    const source = sourceDescription(booked.manifest.source, this.#book.source(booked.source))
    const { records } = await loadRecords(booked.manifest, source)
    return new RoundWorker({ ...this.#parts, log: this.#ports.log, isApproved }, approved, records)
  }

  /** Codes and our own words only: a cause may hold anything. */
  #report(error: CodedError, what: string): void {
    this.#ports.log.warn({ code: error.code, why: error.message, place: error.place }, what)
  }
}
