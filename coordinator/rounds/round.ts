import type { Digest, SiteId } from '@tributary/shared/ids'
import type { RoundPhase, RoundState, RoundTerms } from './round-state.ts'
import { isBarred, isDistrusted, isOut, missingFrom, stillIn, tooFew } from './round-absence.ts'

export type { RoundPhase, RoundState, RoundTerms } from './round-state.ts'

/**
 * One attempt of one step as a pure state machine: `step(state, event, now)` gives the next state and the effects to perform
 * once that state is durable.
 *
 *     dealing --all dealt--> checking --all checked--> sifting --sifted--> ready --model--> contributing --all in--+
 *        |                      |                         |                  |                   |                 |
 *        | too many withdrew    | deadline, < t checked   | < least left     | too many out      | < least         |
 *        +-------> aborted <----+-------------------------+------------------+-------------------+                 |
 *                     ^                                                                                            |
 *                     +--- deadline, < t answers ---+                                                              |
 *                                                   |                                                              |
 *        opened <-- opening <--t answers, grace-- answering <--announced-- announcing <----------------------------+
 *
 * A late site is waited for until the phase's deadline; in `dealing`, where waiting costs nothing, for as long as fewer than
 * the least have dealt or fewer than t holders are there. Nobody is charged before `contributing`: a deal whose shares disagree
 * is left out of the attempt when it is sifted, before anything is sealed under its key (R24); checks of holders that are not
 * believed any more are left out, t others are needed, and an attempt after a disputed one waits for the verdicts. A step dealt ahead comes as far as
 * `ready` before its model is known. U (`contributors`) is named once and never changes (R4); `aborted` is final, its successor is
 * a new attempt with a new id (R5). Cost per event O(sites).
 */
export type RoundEvent =
  | { readonly type: 'dealt'; readonly site: SiteId }
  | { readonly type: 'withdrew'; readonly site: SiteId }
  | { readonly type: 'checked'; readonly site: SiteId }
  | { readonly type: 'sifted'; readonly disputed: readonly SiteId[] }
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
  | { readonly type: 'sift' }
  | { readonly type: 'broadcast' }
  | { readonly type: 'announce' }
  | { readonly type: 'open' }
  | { readonly type: 'closed' }

export const isClosed = (state: RoundState): boolean => state.phase === 'opened' || state.phase === 'aborted'

const beforeModel: readonly RoundPhase[] = ['dealing', 'checking', 'sifting', 'ready']

/** It can go on without its model for some time, but not to the end. */
export const waitsForModel = ({ phase, model }: RoundState): boolean => model === null && beforeModel.includes(phase)

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
  holders: terms.holders,
  dealers: [],
  checked: [],
  distrusted: [],
  disputed: [],
  withdrawn: [],
  contributors: [],
  answered: [],
  reason: null,
})

/** The effect that belongs to a state, to be performed again after a restart. */
export const pendingEffect = (state: RoundState): RoundEffect | null => {
  if (state.phase === 'sifting') return { type: 'sift' }
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
      return [...beforeModel, 'contributing'].includes(state.phase) && !state.contributors.includes(event.site)
        ? { ...state, withdrawn: withSite(state.withdrawn, event.site) }
        : state
    case 'checked':
      return state.phase === 'checking' && state.holders.includes(event.site)
        ? { ...state, checked: withSite(state.checked, event.site) }
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
      const { dealMs, contributeMs, answerMs } = terms
      const ms = { dealing: dealMs, checking: dealMs, contributing: contributeMs, answering: answerMs }[
        state.phase as string
      ]
      return ms === undefined ? state : { ...state, deadline: Math.max(state.deadline, now + ms) }
    }
    case 'answered':
      return state.phase === 'answering' && state.holders.includes(event.site)
        ? { ...state, answered: withSite(state.answered, event.site) }
        : state
    default:
      return state
  }
}

const aborted = (state: RoundState, reason: string): RoundState => ({ ...state, phase: 'aborted', reason })

function dealt(state: RoundState, terms: RoundTerms, now: number): RoundState {
  const late = now >= state.deadline
  const isGone = (site: SiteId) => isOut(state, terms, site)
  const left = terms.sites.filter((site) => !isGone(site)).length
  const withdrew = state.withdrawn.filter((site) => !terms.barred.includes(site))
  const missing = { [isBarred]: terms.barred, withdrew }
  // Too few because of the barred alone: another attempt would be no better, so this one waits for them to be let in again.
  if (left < terms.least && terms.sites.length - terms.barred.length >= terms.least)
    return aborted(state, tooFew(missing, left, terms.least))
  const dealers = stillIn(state, terms)
  const all = terms.awaited.every((site) => dealers.includes(site) || isGone(site))
  // Whoever withdrew may be back, in another attempt only: this one would wait for the silent alone, perhaps for ever.
  const silent = terms.sites.filter((site) => !isGone(site) && !dealers.includes(site))
  if (late && dealers.length < terms.least && withdrew.length > 0)
    return aborted(state, tooFew({ ...missing, 'did not deal': silent }, dealers.length, terms.least))
  const unkeyed = terms.holders.filter((site) => !state.holders.includes(site))
  // They bring their keys when they are asked to deal: the next attempt has them.
  if (late && state.holders.length < terms.threshold)
    return aborted(state, tooFew({ 'brought no box keys in time': unkeyed }, state.holders.length, terms.threshold))
  const here = state.holders.filter(
    (site) => !terms.barred.includes(site) && (dealers.includes(site) || state.withdrawn.includes(site)),
  )
  if (dealers.length < terms.least || here.length < terms.threshold || !(all || late)) return state
  return { ...state, dealers, phase: 'checking', deadline: now + terms.dealMs }
}

/** Sifted deals go out with the model, as soon as that is known; whoever left meanwhile is not among the dealers. */
function begun(state: RoundState, terms: RoundTerms, now: number): RoundState {
  const dealers = stillIn(state, terms)
  if (dealers.length < terms.least)
    return aborted(state, tooFew(missingFrom(state, terms), dealers.length, terms.least))
  if (state.model === null) return state
  return { ...state, dealers, phase: 'contributing', broadcast: true, deadline: now + terms.contributeMs }
}

function advance(state: RoundState, event: RoundEvent, terms: RoundTerms, now: number): RoundState {
  const late = now >= state.deadline
  if (event.type === 'failed') return aborted(state, event.reason)
  switch (state.phase) {
    case 'dealing':
      return dealt(state, terms, now)
    case 'checking': {
      const left = stillIn(state, terms)
      if (left.length < terms.least) return aborted(state, tooFew(missingFrom(state, terms), left.length, terms.least))
      const named = terms.distrusted === 'undecided' ? [] : terms.distrusted
      const distrusted = state.holders.filter((site) => named.includes(site))
      const believed = state.holders.filter((site) => !distrusted.includes(site))
      const checked = believed.filter((site) => state.checked.includes(site))
      const missing = { [isDistrusted]: distrusted }
      if (distrusted.length > 0 && believed.length < terms.threshold)
        return aborted(state, tooFew(missing, believed.length, terms.threshold))
      const expected = terms.awaited.filter((site) => believed.includes(site) && left.includes(site))
      if (checked.length >= terms.threshold && (late || expected.every((site) => checked.includes(site))))
        return terms.distrusted === 'undecided' ? state : { ...state, phase: 'sifting', distrusted }
      if (!late) return state
      const mute = believed.filter((site) => !checked.includes(site))
      return aborted(state, tooFew({ ...missing, 'did not check the deals': mute }, checked.length, terms.threshold))
    }
    case 'sifting': {
      if (event.type !== 'sifted') return state
      const dealers = state.dealers.filter((site) => !event.disputed.includes(site))
      return begun({ ...state, phase: 'ready', dealers, disputed: event.disputed }, terms, now)
    }
    case 'ready':
      return begun(state, terms, now)
    case 'contributing': {
      const open = stillIn(state, terms)
      const missing = missingFrom(state, terms)
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
      const silent = state.holders.filter((site) => terms.barred.includes(site) && !state.answered.includes(site))
      const left = state.holders.length - silent.length
      if (left < terms.threshold) return aborted(state, tooFew({ [isBarred]: silent }, left, terms.threshold))
      const enough = state.answered.length >= terms.threshold
      const expected = terms.awaited.filter((site) => state.holders.includes(site))
      if (enough && expected.every((site) => state.answered.includes(site))) return { ...state, phase: 'opening' }
      if (!enough && late) {
        const mute = state.holders.filter((site) => !state.answered.includes(site) && !silent.includes(site))
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
