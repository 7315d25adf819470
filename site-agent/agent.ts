import { asCodedError, type CodedError } from '@tributary/shared/errors'
import { ringFacts } from '@tributary/shared/he/ring-parameters'
import type { StudyId } from '@tributary/shared/ids'
import type { AgentPorts } from './agent-ports.ts'
import type { CertificateRenewal } from './enrolment/certificate-renewal.ts'
import { final, FollowedStudy, type FollowedParts } from './followed-study.ts'
import type { SiteClient } from './link/client.ts'
import { Greeting } from './link/greeting.ts'
import { RosterWatch } from './policy/roster-watch.ts'
import type { SiteBook } from './policy/site-book.ts'
import type { Site } from './site.ts'

export { productionPorts } from './agent-ports.ts'

type AgentParts = Omit<FollowedParts['rounds'], 'rosterWatch'>

/** Wait between looks at what the officer decided, and before greeting again. */
const pauseMs = 1_000

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
    this.#rosterWatch = new RosterWatch({ book, client: parts.client, log: ports.log })
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
      this.#retireOver()
      await this.#greet(stop)
      greetings = this.#keepGreeting(stop)
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
        log.info('registered and trusted')
        return
      } catch (thrown) {
        const error = asCodedError(thrown)
        if (final.has(error.code)) throw error
        this.#report(error, 'the coordinator does not accept this site yet')
        await clock.sleep(pauseMs, signal)
      }
    }
  }

  async #keepGreeting(signal: AbortSignal): Promise<void> {
    const error = await this.#greeting.keep(signal, final)
    if (error === undefined) return
    this.#report(error, 'the coordinator does not accept this site any more')
    this.#end ??= error
  }

  async #follow(study: StudyId, signal: AbortSignal): Promise<void> {
    const { name, holdoutFolder } = this.#site
    const followed = new FollowedStudy(study, {
      ports: this.#ports,
      book: this.#book,
      site: { name, holdoutFolder },
      rounds: { ...this.#parts, rosterWatch: this.#rosterWatch },
      report: (error, what) => this.#report(error, what),
    })
    try {
      this.#end = (await followed.follow(signal)) ?? this.#end
    } catch (thrown) {
      this.#report(asCodedError(thrown), 'a study was not left in order')
    }
    this.#retireOver()
  }

  /** No box for a study that is finished or revoked is ever opened again: its keys are erased, also of one that was left to a crash. */
  #retireOver(): void {
    try {
      for (const { study, state } of this.#book.studies())
        if (state === 'finished' || state === 'revoked') this.#parts.boxKeys.retire(study)
    } catch (thrown) {
      this.#report(asCodedError(thrown), 'the box keys of studies that are over were not erased')
    }
  }

  /** Codes and our own words only: a cause may hold anything. */
  #report(error: CodedError, what: string): void {
    this.#ports.log.warn({ code: error.code, why: error.message, place: error.place }, what)
  }
}
