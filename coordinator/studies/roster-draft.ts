import { HintedError } from '@tributary/shared/cli/hinted-error'
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
  throw new HintedError(
    'ROSTER_REFUSED',
    `${members.length} sites, more than ${mostSitesWithoutCommittee}: name ${least} to ${most} of them who hold the key shares, for example --committee ${names.slice(0, least).join(',')}`,
    nameCommittee,
    { place: { field: '--committee' } },
  )
}

const nameCommittee = 'Name sites of this roster with --committee a,b,..: they hold the shares of every one-time key.'

const refuseWithHint = (drafted: Roster, isNamed: boolean): void => {
  try {
    checkRoster(drafted)
  } catch (thrown) {
    if (!(thrown instanceof CodedError)) throw thrown
    const hint = isNamed
      ? nameCommittee
      : 'Every site has a key of its own: `coordinator sites` shows whose is whose; have the site concerned enrol again in a new data directory.'
    const place = isNamed ? { place: { field: '--committee' } } : {}
    throw new HintedError(thrown.code, thrown.message, hint, { ...place, cause: thrown })
  }
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
  if (members.length === 0)
    throw new HintedError(
      'ROSTER_REFUSED',
      'no site is enrolled yet',
      'Invite each site (`coordinator invite SITE`) and have it enrol (`site-agent enrol`); `coordinator sites` shows who has.',
    )
  const latest = studies.latestRoster()
  const drafted: Roster = {
    federation,
    version: latest?.roster.version ?? 1,
    admin,
    coordinator: identity.publicKey,
    members,
    committee: [...(committee ?? usualCommittee(members, latest?.roster))],
  }
  refuseWithHint(drafted, committee !== undefined)
  if (latest === undefined || rosterHash(drafted) === latest.hash) return drafted
  return { ...drafted, version: latest.roster.version + 1 }
}
