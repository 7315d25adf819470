import { CodedError } from '../errors.ts'
import { type SiteId, siteId } from '../ids.ts'
import type { Roster } from '../wire/messages.ts'
import { mostSitesWithoutCommittee } from '../wire/committee.ts'
import type { Manifest } from './study-schema.ts'

type Facts = Pick<Manifest, 'federation' | 'sites'>

/**
 * Who holds shares, in the order that gives each its index, from 1: all sites of the study in its order, or beyond 20 sites the
 * roster's committee in the roster's order. Throws `ROSTER_REFUSED` where the committee is not the study's: of another size than
 * the approved threshold was made for, or with a member that is no site of the study.
 */
export const shareHolders = (manifest: Facts, roster: Pick<Roster, 'committee'>): SiteId[] => {
  const sites = manifest.sites.map(({ name }) => siteId(name))
  if (sites.length <= mostSitesWithoutCommittee) return sites
  const { committee } = roster
  const refuse = (why: string): never => {
    throw new CodedError('ROSTER_REFUSED', why)
  }
  const expected = manifest.federation.committee
  if (committee.length !== expected)
    refuse(
      `the study is made for a committee of ${expected ?? 'no'} share holders, the roster's has ${committee.length}: set federation.committee to ${committee.length} and plan the study again`,
    )
  const outside = committee.filter((site) => !sites.includes(site))
  if (outside.length > 0) refuse(`${outside.join(', ')} of the roster's committee: not in the study`)
  return [...committee]
}
