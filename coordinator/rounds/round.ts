import type { Digest, RoundId, SiteId } from '@tributary/shared/ids'

/**
 * One attempt of one step as a pure state machine: `step(state, event, now)` gives the next state and the effects to perform
 * once that state is durable.
 *
 *     dealing --model, all dealt--> contributing --all in, or deadline--> announcing --announced--> answering
 *        |                              |                                                             |
 *        |  too many withdrew           |  fewer than the least                 >= t answers and grace |
 *        +---------> aborted <----------+------------- deadline, < t answers --------+------> opening --> opened
 *
 * A late site is waited for until the phase's deadline; in `dealing`, where waiting costs nothing, for as long as fewer than
 * the least have dealt. U (`contributors`) is named once and never changes (R4); `aborted` is final, its successor is a new
 * attempt with a new id (R5). Cost per event O(sites).
 */
export interface RoundTerms {
  readonly sites: readonly SiteId[]
  /** Sites worth waiting for: all but the barred, and those that missed a deadline and were not heard from since. */
  readonly awaited: readonly SiteId[]
  /** Revoked, or removed from the roster: nothing more is taken from them. What they had contributed stays in its attempt. */
  readonly barred: readonly SiteId[]
  readonly least: number
  readonly threshold: number
  readonly dealMs: number
  readonly contributeMs: number
  readonly answerMs: number
  /** How long to wait for more than the threshold of answers: extra answers make a wrong one detectable. */
  readonly graceMs: number
}

export type RoundPhase = 'dealing' | 'contributing' | 'announcing' | 'answering' | 'opening' | 'opened' | 'aborted'

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
  readonly dealers: readonly SiteId[]
  readonly withdrawn: readonly SiteId[]
  readonly contributors: readonly SiteId[]
  readonly answered: readonly SiteId[]
  readonly reason: string | null
}

export type RoundEvent =
  | { readonly type: 'dealt'; readonly site: SiteId }
  | { readonly type: 'withdrew'; readonly site: SiteId }
  | { readonly type: 'model'; readonly model: Digest }
  | { readonly type: 'contributed'; readonly site: SiteId }
  | { readonly type: 'announced' }
  | { readonly type: 'answered'; readonly site: SiteId }
  | { readonly type: 'opened' }
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'resumed' }
  | { readonly type: 'tick' }

/** What the driver does after the state is stored. Each is repeatable: a restart performs it again from the state alone. */
export type RoundEffect =
  | { readonly type: 'broadcast' }
  | { readonly type: 'announce' }
  | { readonly type: 'open' }
  | { readonly type: 'closed' }

/** Sites that a round moved on without: what `awaited` leaves out until they are heard from again. */
export const missed = (before: RoundState, after: RoundState, terms: RoundTerms): readonly SiteId[] => {
  if (before.phase === after.phase) return []
  const present = { contributing: after.dealers, announcing: after.contributors, opening: after.answered }
  const came = present[after.phase as keyof typeof present] ?? terms.awaited
  return terms.awaited.filter((site) => !came.includes(site) && !after.withdrawn.includes(site))
}

export const isClosed = (state: RoundState): boolean => state.phase === 'opened' || state.phase === 'aborted'

export const openRound = (
  facts: Pick<RoundState, 'round' | 'query' | 'step' | 'attempt'>,
  terms: RoundTerms,
  now: number,
): RoundState => ({
  ...facts,
  phase: 'dealing',
  deadline: now + terms.dealMs,
  model: null,
  broadcast: false,
  dealers: [],
  withdrawn: [],
  contributors: [],
  answered: [],
  reason: null,
})

/** The effect that belongs to a state, to be performed again after a restart. */
export const pendingEffect = (state: RoundState): RoundEffect | null => {
  if (state.phase === 'announcing') return { type: 'announce' }
  if (state.phase === 'opening') return { type: 'open' }
  return null
}

export function step(
  state: RoundState,
  event: RoundEvent,
  terms: RoundTerms,
  now: number,
): { readonly state: RoundState; readonly effects: readonly RoundEffect[] } {
  if (isClosed(state)) return { state, effects: [] }
  const next = advance(recorded(state, event, terms, now), event, terms, now)
  const effects = next.phase === state.phase ? [] : entering(next)
  return { state: next, effects }
}

const entering = (state: RoundState): readonly RoundEffect[] => {
  if (state.phase === 'contributing') return [{ type: 'broadcast' }]
  if (isClosed(state)) return [{ type: 'closed' }]
  const effect = pendingEffect(state)
  return effect === null ? [] : [effect]
}

const withSite = (sites: readonly SiteId[], site: SiteId) =>
  sites.includes(site) ? sites : [...sites, site].toSorted()

/** Notes what happened; an event that comes too late for its phase changes nothing. */
function recorded(state: RoundState, event: RoundEvent, terms: RoundTerms, now: number): RoundState {
  if ('site' in event && terms.barred.includes(event.site)) return state
  switch (event.type) {
    case 'dealt':
      return state.phase === 'dealing' && !state.withdrawn.includes(event.site)
        ? { ...state, dealers: withSite(state.dealers, event.site) }
        : state
    case 'withdrew':
      return ['dealing', 'contributing'].includes(state.phase) && !state.contributors.includes(event.site)
        ? { ...state, withdrawn: withSite(state.withdrawn, event.site) }
        : state
    case 'model':
      return state.model === null ? { ...state, model: event.model } : state
    case 'contributed':
      return state.phase === 'contributing' &&
        state.dealers.includes(event.site) &&
        !state.withdrawn.includes(event.site)
        ? { ...state, contributors: withSite(state.contributors, event.site) }
        : state
    case 'resumed': {
      // A restart of the coordinator is a pause: sites get the phase's time anew to come back.
      const anew = { dealing: terms.dealMs, contributing: terms.contributeMs, answering: terms.answerMs }
      const ms = anew[state.phase as keyof typeof anew]
      return ms === undefined ? state : { ...state, deadline: Math.max(state.deadline, now + ms) }
    }
    case 'answered':
      return state.phase === 'answering' ? { ...state, answered: withSite(state.answered, event.site) } : state
    default:
      return state
  }
}

const aborted = (state: RoundState, reason: string): RoundState => ({ ...state, phase: 'aborted', reason })

/** Why `left` sites are too few: every site that is missing, with what is known of it. */
const tooFew = (missing: Readonly<Record<string, readonly SiteId[]>>, left: number, least: number): string => {
  const named = Object.entries(missing).filter(([, sites]) => sites.length > 0)
  const whom = named.map(([why, sites]) => `${sites.join(', ')} ${why}`).join('; ')
  return `${whom}: ${left} ${left === 1 ? 'site is' : 'sites are'} left where ${least} are needed`
}

const isBarred = 'may not take part any more'

function advance(state: RoundState, event: RoundEvent, terms: RoundTerms, now: number): RoundState {
  const late = now >= state.deadline
  if (event.type === 'failed') return aborted(state, event.reason)
  switch (state.phase) {
    case 'dealing': {
      const isOut = (site: SiteId) => state.withdrawn.includes(site) || terms.barred.includes(site)
      const left = terms.sites.filter((site) => !isOut(site)).length
      const missing = {
        [isBarred]: terms.barred,
        withdrew: state.withdrawn.filter((site) => !terms.barred.includes(site)),
      }
      // Too few because of the barred alone: another attempt would be no better, so this one waits for them to be let in again.
      if (left < terms.least && terms.sites.length - terms.barred.length >= terms.least)
        return aborted(state, tooFew(missing, left, terms.least))
      const dealers = state.dealers.filter((site) => !isOut(site))
      const all = terms.awaited.every((site) => dealers.includes(site) || isOut(site))
      // Whoever withdrew may be back, in another attempt only: this one would wait for the silent alone, perhaps for ever.
      const silent = terms.sites.filter((site) => !isOut(site) && !dealers.includes(site))
      if (late && dealers.length < terms.least && missing.withdrew.length > 0)
        return aborted(state, tooFew({ ...missing, 'did not deal': silent }, dealers.length, terms.least))
      if (state.model === null || dealers.length < terms.least || !(all || late)) return state
      return { ...state, dealers, phase: 'contributing', broadcast: true, deadline: now + terms.contributeMs }
    }
    case 'contributing': {
      const lost = terms.barred.filter((site) => state.dealers.includes(site) && !state.contributors.includes(site))
      const open = state.dealers.filter((site) => !state.withdrawn.includes(site) && !lost.includes(site))
      const withdrew = state.withdrawn.filter((site) => !terms.barred.includes(site))
      const undealt = terms.sites.filter((site) => !state.dealers.includes(site) && !withdrew.includes(site))
      const gone = terms.barred.filter((site) => lost.includes(site) || undealt.includes(site))
      const missing = { [isBarred]: gone, withdrew, 'did not deal': undealt.filter((site) => !gone.includes(site)) }
      if (open.length < terms.least) return aborted(state, tooFew(missing, open.length, terms.least))
      if (state.contributors.length < open.length && !late) return state
      if (state.contributors.length < terms.least) {
        const silent = open.filter((site) => !state.contributors.includes(site))
        const all = { ...missing, 'sent nothing before the deadline': silent }
        return aborted(state, tooFew(all, state.contributors.length, terms.least))
      }
      return { ...state, phase: 'announcing' }
    }
    case 'announcing':
      return event.type === 'announced' ? { ...state, phase: 'answering', deadline: now + terms.answerMs } : state
    case 'answering': {
      const silent = terms.barred.filter((site) => !state.answered.includes(site))
      const holders = terms.sites.length - silent.length
      if (holders < terms.threshold) return aborted(state, tooFew({ [isBarred]: silent }, holders, terms.threshold))
      const enough = state.answered.length >= terms.threshold
      if (enough && terms.awaited.every((site) => state.answered.includes(site))) return { ...state, phase: 'opening' }
      if (!enough && late) {
        const mute = terms.sites.filter((site) => !state.answered.includes(site) && !silent.includes(site))
        const missing = { [isBarred]: silent, 'did not answer before the deadline': mute }
        return aborted(state, tooFew(missing, state.answered.length, terms.threshold))
      }
      if (!enough) return state
      // The deadline shrinks to the grace period when the threshold is reached, and never grows again.
      const deadline = Math.min(state.deadline, now + terms.graceMs)
      return now >= state.deadline ? { ...state, phase: 'opening' } : { ...state, deadline }
    }
    case 'opening':
      return event.type === 'opened' ? { ...state, phase: 'opened' } : state
    case 'opened':
    case 'aborted':
      return state
  }
}
