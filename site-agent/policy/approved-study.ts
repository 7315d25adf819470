import { HintedError } from '@tributary/shared/cli/hinted-error'
import type { Query } from '@tributary/shared/dp/query'
import { CodedError } from '@tributary/shared/errors'
import { type Digest, type SiteId, siteId, type StudyId } from '@tributary/shared/ids'
import { manifestHash, studyIdOf } from '@tributary/shared/study/manifest'
import { shareHolders } from '@tributary/shared/study/share-holders'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { queriesOf } from '@tributary/shared/study/plan-block'
import type { Roster } from '@tributary/shared/wire/messages'
import { rosterHash } from '@tributary/shared/wire/roster'

/** A study that this site's officer approved by its hash, with everything a round is checked against. */
export interface ApprovedStudy {
  readonly study: StudyId
  readonly manifest: Manifest
  readonly manifestHash: Digest
  readonly roster: Roster
  readonly rosterHash: Digest
  readonly queries: readonly Query[]
  /** In the manifest's order. */
  readonly sites: readonly SiteId[]
  /** Who holds key shares: a site's holder index is its place here, counted from 1. */
  readonly holders: readonly SiteId[]
  readonly me: SiteId
}

/**
 * Throws `APPROVAL_REFUSED` when the manifest and roster do not hash to `study`, or this site is not part of it, `ROSTER_REFUSED`
 * where the roster's committee is not the study's.
 */
export const approvedStudy = (study: StudyId, manifest: Manifest, roster: Roster, me: SiteId): ApprovedStudy => {
  const hash = rosterHash(roster)
  if (studyIdOf(manifest, hash) !== study)
    throw new CodedError('APPROVAL_REFUSED', 'the manifest and roster are not those of this study')
  const sites = manifest.sites.map(({ name }) => siteId(name))
  if (!sites.includes(me))
    throw new HintedError('APPROVAL_REFUSED', `the study does not name ${me}`, 'It asks this hospital for nothing.')
  for (const site of sites) {
    if (!roster.members.some((member) => member.site === site))
      throw new HintedError(
        'APPROVAL_REFUSED',
        `${site} is in the study but not in the roster`,
        'Nothing can be done about it here: tell the operator. The study must be published anew, for hospitals that are in the roster.',
      )
  }
  return {
    study,
    manifest,
    manifestHash: manifestHash(manifest),
    roster,
    rosterHash: hash,
    queries: queriesOf(manifest.plan),
    sites,
    holders: shareHolders(manifest, roster),
    me,
  }
}

/** Whether this site holds key shares, hence checks and answers; every site deals and contributes. */
export const isHolder = ({ holders, me }: Pick<ApprovedStudy, 'holders' | 'me'>): boolean => holders.includes(me)
