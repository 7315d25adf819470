import { type SiteId, siteId } from '@tributary/shared/ids'
import { isClosed, type RoundState } from '../rounds/round.ts'
import type { RoundStore } from '../rounds/round-store.ts'
import type { Membership } from './membership.ts'
import type { PublishedStudy } from './study-store.ts'

/** What a site has done in the round that is open. `pending`: nothing yet, which is all a coordinator can know of a site that is paused. */
export type InThisRound = 'pending' | 'dealt' | 'checked' | 'disputed' | 'contributed' | 'answered' | 'withdrew'

export interface Participation {
  readonly site: SiteId
  readonly standing: 'member' | 'revoked' | 'removed'
  /** Opened rounds that it is part of. */
  readonly contributed: number
  /** Of the last such round; null before the first. */
  readonly last_step: number | null
  /** Null while no round is open. */
  readonly this_round: InThisRound | null
}

const doing = (site: SiteId, round: RoundState): InThisRound => {
  if (round.answered.includes(site)) return 'answered'
  if (round.contributors.includes(site)) return 'contributed'
  if (round.withdrawn.includes(site)) return 'withdrew'
  if (round.disputed.includes(site)) return 'disputed'
  if (round.phase === 'checking' && round.checked.includes(site)) return 'checked'
  return round.dealers.includes(site) ? 'dealt' : 'pending'
}

/** Who takes part in a study, by site, in the manifest's order. Participation is visible to the coordinator anyway (R11). */
export const participationOf = (
  { study, manifest }: PublishedStudy,
  store: Pick<RoundStore, 'run' | 'rounds'>,
  { removed, revoked }: Membership,
): Participation[] => {
  const rounds = store.rounds(study)
  const run = store.run(study)?.state
  const current =
    run?.outcome === 'running'
      ? rounds.find((round) => round.step === run.step && round.attempt === run.attempt && !isClosed(round))
      : undefined
  return manifest.sites.map(({ name }) => {
    const site = siteId(name)
    const counted = rounds.filter((round) => round.phase === 'opened' && round.contributors.includes(site))
    return {
      site,
      standing: removed.includes(site) ? 'removed' : revoked.includes(site) ? 'revoked' : 'member',
      contributed: counted.length,
      last_step: counted.at(-1)?.step ?? null,
      this_round: current === undefined ? null : doing(site, current),
    }
  })
}

export interface Awaited {
  readonly site: SiteId
  readonly why: 'revoked' | 'withdrew' | 'pending'
}

/**
 * Whom the open round waits for, in the manifest's order; empty while none is open. `withdrew`: from the attempt before, and it has
 * not been seen in this one: what an officer's revocation looks like from here.
 */
export const awaitedIn = (
  { study, manifest }: PublishedStudy,
  store: Pick<RoundStore, 'run' | 'rounds'>,
  { removed, revoked }: Membership,
): Awaited[] => {
  const run = store.run(study)?.state
  if (run?.outcome !== 'running') return []
  const attempts = store.rounds(study).filter(({ step }) => step === run.step)
  const current = attempts.find((round) => round.attempt === run.attempt && !isClosed(round))
  const before = attempts.find((round) => round.attempt === run.attempt - 1)
  if (current === undefined) return []
  const { dealers, holders, checked, contributors, answered } = current
  const waiting: Partial<Record<RoundState['phase'], readonly [expected: readonly SiteId[], came: readonly SiteId[]]>> =
    {
      dealing: [manifest.sites.map(({ name }) => siteId(name)), dealers],
      checking: [holders, checked],
      contributing: [dealers, contributors],
      answering: [holders, answered],
    }
  const [expected = [], done = []] = waiting[current.phase] ?? []
  return manifest.sites
    .map(({ name }) => siteId(name))
    .filter((site) => expected.includes(site) && !done.includes(site))
    .filter((site) => !current.withdrawn.includes(site) && !removed.includes(site))
    .map((site) => {
      if (revoked.includes(site)) return { site, why: 'revoked' }
      return { site, why: before?.withdrawn.includes(site) ? 'withdrew' : 'pending' }
    })
}
