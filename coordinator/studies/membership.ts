import type { SiteId } from '@tributary/shared/ids'
import { shareHolders } from '@tributary/shared/study/share-holders'
import type { PublishedStudy, StudyStore } from './study-store.ts'

/** Whether a site with this very identity key has a certificate that nobody revoked. */
export type IsStanding = (site: SiteId, identity: Uint8Array) => boolean

export interface Membership {
  /** No longer in the roster: out of this study for good. */
  readonly removed: readonly SiteId[]
  /** Still in the roster, but revoked, or enrolled under another identity key: may be let in again. */
  readonly revoked: readonly SiteId[]
}

export const membershipOf = (
  published: PublishedStudy,
  studies: Pick<StudyStore, 'removedFrom'>,
  isStanding: IsStanding,
): Membership => {
  const removed = studies.removedFrom(published)
  const revoked = published.roster.members
    .filter(({ site }) => published.manifest.sites.some(({ name }) => name === site) && !removed.includes(site))
    .filter(({ site, identity }) => !isStanding(site, identity))
    .map(({ site }) => site)
  return { removed, revoked }
}

/**
 * Why a study cannot go on without the sites that were removed from the roster, or null when it can: a removal takes effect by
 * itself (R1) where the rest satisfies the least number of contributors, and the share holders among them the threshold of
 * answers, that everybody approved.
 */
export const endOfStudy = (
  { manifest, roster }: PublishedStudy,
  removed: readonly SiteId[],
  approved: readonly SiteId[],
): string | null => {
  const left = manifest.sites.length - removed.length
  const holders = shareHolders(manifest, roster)
  const answering = holders.filter((site) => !removed.includes(site)).length
  const { threshold } = manifest.plan
  // Where every site holds shares, one number says both.
  const isCommittee = holders.length < manifest.sites.length
  const needed = Math.max(manifest.federation.least_contributors, isCommittee ? 0 : threshold)
  const ended = (what: string, remain: number) =>
    `ROSTER_REFUSED: ${removed.join(', ')} left the roster, and the study needs ${what} where ${remain} remain`
  if (left < needed) return ended(`${needed} sites`, left)
  if (answering < threshold) return ended(`${threshold} share holders`, answering)
  const gone = removed.filter((site) => !approved.includes(site))
  return gone.length === 0
    ? null
    : `ROSTER_REFUSED: ${gone.join(', ')} left the roster before approving: publish it anew`
}
