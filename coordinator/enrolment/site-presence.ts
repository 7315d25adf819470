import { asCodedError } from '@tributary/shared/errors'
import type { SiteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import type { Logger } from 'pino'
import type { SiteRegistry } from './site-registry.ts'

interface Session {
  readonly id: string
  /** Order of first greetings, of all sites. */
  readonly began: number
  readonly heard: number
}

/** A session that was silent for this long is over, ms. */
const forgottenAfterMs = 10 * 60_000

/**
 * Which sites are there, from their greetings. Two agents that run on copies of one data directory greet under the same
 * certificate with two sessions: an older session that is heard again after a younger one began shows both alive (a restarted
 * agent never speaks under its old session again). That is told, not stopped: whatever the two send is checked by the rounds,
 * where one of two different messages is refused, and by the peers' counters.
 */
export class SitePresence {
  readonly #registry: Pick<SiteRegistry, 'greeted'>
  readonly #clock: Clock
  readonly #log: Logger
  readonly #known = new Set<SiteId>()
  readonly #sessions = new Map<SiteId, readonly Session[]>()
  readonly #toldAt = new Map<SiteId, number>()
  #began = 0

  constructor(parts: {
    readonly registry: Pick<SiteRegistry, 'greeted'>
    readonly clock: Clock
    readonly log: Logger
  }) {
    this.#registry = parts.registry
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /** Any call of a site. */
  heard(site: SiteId): void {
    if (!this.#known.has(site)) this.#log.info({ site }, 'site heard from')
    this.#known.add(site)
  }

  /** The greeting of an agent; one without a session is a command that comes and goes. */
  greeted(site: SiteId, session: string): void {
    this.heard(site)
    if (session === '') return
    const now = this.#clock.now()
    const live = (this.#sessions.get(site) ?? []).filter(({ heard }) => now - heard < forgottenAfterMs)
    const began = live.find(({ id }) => id === session)?.began ?? this.#began++
    this.#sessions.set(site, [...live.filter(({ id }) => id !== session), { id: session, began, heard: now }])
    if (live.some((other) => other.id !== session && other.began > began)) this.#tellTwo(site, now)
    this.#note(site, now)
  }

  #tellTwo(site: SiteId, now: number): void {
    const told = this.#toldAt.get(site)
    if (told !== undefined && now - told < forgottenAfterMs) return
    this.#toldAt.set(site, now)
    const hint = 'stop one of them; a site that was copied or restored must enrol again in a new data directory'
    this.#log.warn({ site, hint }, 'two agents of one site are running: a cloned data directory')
  }

  /** For `coordinator sites`; a full disk is no reason to turn a site away. */
  #note(site: SiteId, now: number): void {
    try {
      this.#registry.greeted(site, now)
    } catch (thrown) {
      this.#log.warn({ site, code: asCodedError(thrown).code }, 'the greeting was not noted')
    }
  }
}
