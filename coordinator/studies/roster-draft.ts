import { CodedError } from '@tributary/shared/errors'
import { type SiteId, siteId } from '@tributary/shared/ids'
import { committeeSizes, mostSitesWithoutCommittee } from '@tributary/shared/wire/committee'
import type { Roster } from '@tributary/shared/wire/messages'
import { checkRoster, rosterHash } from '@tributary/shared/wire/roster'
import type { Federation } from '../enrolment/federation-directory.ts'
import type { SiteRegistry } from '../enrolment/site-registry.ts'
import type { StudyStore } from './study-store.ts'

/** `a,b,c` as it was given to --committee. */
export const committeeOf = (text: string): SiteId[] => text.split(',').map((name) => siteId(name.trim()))

/** Up to 20 sites none is needed; beyond, the one of the roster before stays while its members do. */
const usualCommittee = (members: Roster['members'], before: Roster | undefined): readonly SiteId[] => {
  if (members.length <= mostSitesWithoutCommittee) return []
  const kept = before?.committee ?? []
  const names = members.map(({ site }) => site)
  if (kept.length > 0 && kept.every((site) => names.includes(site))) return kept
  const { least, most } = committeeSizes
  throw new CodedError(
    'ROSTER_REFUSED',
    `${members.length} sites, more than ${mostSitesWithoutCommittee}: name ${least} to ${most} of them who hold the key shares, for example --committee ${names.slice(0, least).join(',')}`,
    { place: { field: '--committee' } },
  )
}

/**
 * The next version: enrolled sites whose certificate nobody revoked, in the order of their names; or the latest roster itself where
 * it would say the same. Throws `ROSTER_REFUSED`.
 */
export const draftRoster = (
  { federation, identity, admin }: Pick<Federation, 'federation' | 'identity' | 'admin'>,
  registry: Pick<SiteRegistry, 'sites'>,
  studies: Pick<StudyStore, 'latestRoster'>,
  committee?: readonly SiteId[],
): Roster => {
  const members = registry
    .sites()
    .filter(({ expires }) => expires !== undefined)
    .map(({ site, identity: key }) => ({ site, identity: key }))
  if (members.length === 0) throw new CodedError('ROSTER_REFUSED', 'no site is enrolled yet')
  const latest = studies.latestRoster()
  const drafted: Roster = {
    federation,
    version: latest?.roster.version ?? 1,
    admin,
    coordinator: identity.publicKey,
    members,
    committee: [...(committee ?? usualCommittee(members, latest?.roster))],
  }
  checkRoster(drafted)
  if (latest === undefined || rosterHash(drafted) === latest.hash) return drafted
  return { ...drafted, version: latest.roster.version + 1 }
}
