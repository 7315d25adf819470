import type { SiteId } from '@tributary/shared/ids'
import type { RoundState, RoundTerms } from './round-state.ts'

/** Sites that a round moved on without: what `awaited` leaves out until they are heard from again. */
export const missed = (before: RoundState, after: RoundState, terms: RoundTerms): readonly SiteId[] => {
  if (before.phase === after.phase) return []
  const { dealers, checked, contributors, answered } = after
  const due = {
    dealing: [terms.sites, dealers],
    checking: [after.holders.filter((site) => dealers.includes(site) && !after.distrusted.includes(site)), checked],
    contributing: [dealers, contributors],
    answering: [after.holders, answered],
  }[before.phase as string]
  if (due === undefined || after.phase === 'aborted') return []
  const [expected = [], came = []] = due
  return terms.awaited.filter(
    (site) => expected.includes(site) && !came.includes(site) && !after.withdrawn.includes(site),
  )
}

/** Why `left` sites are too few: every site that is missing, with what is known of it. */
export const tooFew = (missing: Readonly<Record<string, readonly SiteId[]>>, left: number, least: number): string => {
  const named = Object.entries(missing).filter(([, sites]) => sites.length > 0)
  const whom = named.map(([why, sites]) => `${sites.join(', ')} ${why}`).join('; ')
  return `${whom}: ${left} ${left === 1 ? 'site is' : 'sites are'} left where ${least} are needed`
}

/** Why of a revoked or removed site. */
export const isBarred = 'may not take part any more'

/** Why of a holder whose checks are left out. */
export const isDistrusted = 'signed what is not so of earlier deals (study disputes)'

/** Withdrew or is barred, before it contributed. */
export const isOut = (state: RoundState, terms: RoundTerms, site: SiteId): boolean =>
  !state.contributors.includes(site) && (state.withdrawn.includes(site) || terms.barred.includes(site))

/** Dealers who have contributed or still may. */
export const stillIn = (state: RoundState, terms: RoundTerms): readonly SiteId[] =>
  state.dealers.filter((site) => !isOut(state, terms, site))

/** Sites that an attempt whose deals are in will not count, each under the first reason that holds. */
export const missingFrom = (state: RoundState, terms: RoundTerms): Readonly<Record<string, readonly SiteId[]>> => {
  const barred = terms.barred.filter((site) => !state.contributors.includes(site))
  const withdrew = state.withdrawn.filter((site) => !barred.includes(site))
  const disputed = state.disputed.filter((site) => !barred.includes(site) && !withdrew.includes(site))
  const named = [...barred, ...withdrew, ...disputed, ...state.dealers]
  return {
    [isBarred]: barred,
    withdrew,
    'dealt shares that disagree': disputed,
    'did not deal': terms.sites.filter((site) => !named.includes(site)),
  }
}
