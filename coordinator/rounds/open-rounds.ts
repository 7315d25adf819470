import { CodedError } from '@tributary/shared/errors'
import type { RoundId, SiteId } from '@tributary/shared/ids'
import { messageBytes } from '@tributary/shared/wire/body'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { LiveStudy, StudyRuns } from '../studies/study-runs.ts'
import type { RoundPhase, RoundState } from './round.ts'
import { roundNamed } from './round-messages.ts'
import type { RoundMessage, RoundStore } from './round-store.ts'

/** A round that sites may be heard about, as it stands now, and its study. */
export interface OpenRound {
  readonly live: LiveStudy
  readonly state: RoundState
}

/** Which open round a site's message or question is about. Cost O(studies). */
export class OpenRounds {
  readonly #runs: StudyRuns
  readonly #store: RoundStore

  constructor(runs: StudyRuns, store: RoundStore) {
    this.#runs = runs
    this.#store = store
  }

  /**
   * The open round that a message says it is for; its signature is checked by the caller against exactly this round. Throws
   * `ROUND_REFUSED` where there is none, `ROSTER_REFUSED` for a site that may take part no longer.
   */
  open(site: SiteId, message: SignedMessage): OpenRound {
    return this.#find(site, roundNamed(message)) ?? refuse('ROUND_REFUSED', 'this message is for no open round')
  }

  /** Throws `NOT_FOUND` where no such round is open to this site, `ROSTER_REFUSED` as `open`. */
  find(site: SiteId, round: RoundId): OpenRound {
    return this.#find(site, round) ?? refuse('NOT_FOUND', 'this round is not open')
  }

  isOpen(round: RoundId): boolean {
    return this.#runs.all().some(({ run }) => run.rounds.some((each) => each.round === round))
  }

  /** True for bytes that were counted before. Throws `ROUND_REFUSED` for new ones outside the phase that they belong to. */
  isRepeated(state: RoundState, phase: RoundPhase, kind: RoundMessage, site: SiteId, message: SignedMessage): boolean {
    const earlier = this.#store.message(state.round, kind, site)
    if (earlier !== undefined && Buffer.compare(messageBytes(earlier), messageBytes(message)) === 0) return true
    if (state.phase !== phase) throw new CodedError('ROUND_REFUSED', `this round takes no ${kind} now`)
    return false
  }

  #find(site: SiteId, round: unknown): OpenRound | undefined {
    for (const live of this.#runs.all()) {
      if (!live.run.terms.sites.includes(site)) continue
      const state = live.run.rounds.find((each) => each.round === round)
      if (state === undefined) continue
      live.run.requireMember(site)
      return { live, state }
    }
    return undefined
  }
}

const refuse = (code: 'ROUND_REFUSED' | 'NOT_FOUND', why: string): never => {
  throw new CodedError(code, why)
}
