import type { Digest, RoundId, SiteId } from '@tributary/shared/ids'

/**
 * Holders whose checks are left out and not waited for (disputes/distrusted); `undecided` where a dispute over an earlier attempt of
 * the step may still name one: the deals are not sifted before.
 */
export type Distrusted = readonly SiteId[] | 'undecided'

export interface RoundTerms {
  readonly sites: readonly SiteId[]
  /** Who can open what dealers seal to them; fixed when the round begins. */
  readonly holders: readonly SiteId[]
  /** Sites worth waiting for: all but the barred, and those that missed a deadline and were not heard from since. */
  readonly awaited: readonly SiteId[]
  /** Revoked, or removed from the roster: nothing more is taken from them. What they had contributed stays in its attempt. */
  readonly barred: readonly SiteId[]
  /** Looked at while deals are checked. */
  readonly distrusted: Distrusted
  readonly least: number
  readonly threshold: number
  readonly dealMs: number
  readonly contributeMs: number
  readonly answerMs: number
  /** How long to wait for more than the threshold of answers: extra answers make a wrong one detectable. */
  readonly graceMs: number
}

export type RoundPhase =
  | 'dealing'
  | 'checking'
  | 'sifting'
  | 'ready'
  | 'contributing'
  | 'announcing'
  | 'answering'
  | 'opening'
  | 'opened'
  | 'aborted'

export interface RoundState {
  readonly round: RoundId
  readonly query: number
  readonly step: number
  readonly attempt: number
  readonly phase: RoundPhase
  readonly deadline: number
  readonly model: Digest | null
  /** The attempt was broadcast: sites may have been charged for it, so it counts for ever (R6). */
  readonly broadcast: boolean
  /** Share holders with box keys of the round's epoch: dealers seal to these keys, and only these sites check and answer. */
  readonly holders: readonly SiteId[]
  readonly dealers: readonly SiteId[]
  readonly checked: readonly SiteId[]
  /** Holders whose checks the sift leaves out, fixed when it begins: a later verdict changes nothing in this attempt (R24). */
  readonly distrusted: readonly SiteId[]
  /** Whose deal is not used in this attempt; never excludes anybody from the next (R24). */
  readonly disputed: readonly SiteId[]
  readonly withdrawn: readonly SiteId[]
  readonly contributors: readonly SiteId[]
  readonly answered: readonly SiteId[]
  readonly reason: string | null
}
