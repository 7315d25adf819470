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
  readonly #parts: Omit<RoundWorkerParts, 'log'>
  readonly #book: SiteBook
  readonly #close: () => void

  private constructor(site: Site, ports: AgentPorts, parts: Omit<RoundWorkerParts, 'log'>, book: SiteBook) {
    this.#site = site
    this.#ports = ports
    this.#parts = parts
    this.#book = book
    this.#close = () => {
      for (const part of [parts.outbox, parts.ledger, parts.answers, parts.counters, book, parts.client]) part.close()
    }
  }

  static async open(site: Site, ports: AgentPorts): Promise<Agent> {
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
    const running = new Map<StudyId, Promise<void>>()
    let wasIdle = false
    try {
      await this.#greet(signal)
      while (!signal.aborted) {
        const due = this.#book.approved()
        for (const study of due) {
          if (!running.has(study))
            running.set(
              study,
              this.#follow(study, signal).finally(() => running.delete(study)),
            )
        }
        const isIdle = due.length === 0 && running.size === 0
        // No round of any study is open: sealed bytes that are left are of no use.
        if (isIdle && !wasIdle) this.#parts.outbox.prune(new Set())
        wasIdle = isIdle
        if (options.untilFinished && isIdle) return
        await clock.sleep(pauseMs, signal)
      }
      await Promise.allSettled(running.values())
    } finally {
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
    let worker: RoundWorker | undefined
    while (!signal.aborted && this.#book.stateOf(study) === 'approved') {
      try {
        worker ??= await this.#worker(this.#book.booked(study))
        const task: Task = await this.#parts.client.next({ study, waitMs: longPollMs, done: [] }, signal)
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

  async #worker(booked: BookedStudy): Promise<RoundWorker> {
    const approved: ApprovedStudy = approvedStudy(booked.study, booked.manifest, booked.roster, this.#site.name)
    const source = sourceDescription(booked.manifest.source, this.#book.source(booked.source))
    const { records } = await loadRecords(booked.manifest, source)
    return new RoundWorker({ ...this.#parts, log: this.#ports.log }, approved, records)
  }

  /** Codes and our own words only: a cause may hold anything. */
  #report(error: CodedError, what: string): void {
    this.#ports.log.warn({ code: error.code, why: error.message, place: error.place }, what)
  }
}
