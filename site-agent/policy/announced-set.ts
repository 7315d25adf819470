import type { Digest, SiteId } from '@tributary/shared/ids'
import { type Body, openBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { coordinatorOf, memberOf } from '@tributary/shared/wire/roster'
import { PROTOCOL_VERSION, type SignedMessage } from '@tributary/shared/wire/signed'
import type { ApprovedStudy } from './approved-study.ts'
import type { PeerStatement } from './peer-counters.ts'
import { attemptOf, distinctMembers, refuseRound, sameAttempt } from './round-guard.ts'

/** What the coordinator signed as the contributor set U of an attempt, before its members are looked at. */
export interface Announced {
  readonly body: Body<'announcement'>
  readonly hash: Digest
}

/** Throws `ROUND_REFUSED` for an attempt that is not of the approved study and roster, and what `openBody` throws. */
export const openAnnouncement = (message: SignedMessage, approved: ApprovedStudy): Announced => {
  const body = openBody('announcement', message, coordinatorOf(approved.roster))
  sameAttempt(body, attemptOf(approved, body.step, body.attempt))
  return { body, hash: hashBytes(message.body) }
}

export interface NamedContributor {
  readonly site: SiteId
  readonly deal: Digest
  readonly contribution: Body<'contribution'>
  /** As the site signed it. */
  readonly statement: PeerStatement
}

/** What this site did in the round that is announced. */
export interface OwnPart {
  /** Its sealed contribution; `pruned` where only that there was one is remembered, undefined where there was none. */
  readonly statement: SignedMessage | 'pruned' | undefined
  /** The coordinator said that it counts. */
  readonly isAcknowledged: boolean
  /** Sites that had been removed from the roster when this site dealt. */
  readonly removed: readonly SiteId[]
}

/**
 * The contributor set U with every member's verified statement. Throws `ROUND_REFUSED`, also where this site's own contribution was
 * altered, or left out although it was acknowledged: the coordinator may drop a site from a round only by not taking its
 * contribution. Throws what `openBody` throws.
 */
export const namedContributors = (
  { body }: Announced,
  approved: ApprovedStudy,
  own: OwnPart,
): readonly NamedContributor[] => {
  const expected = attemptOf(approved, body.step, body.attempt)
  const sites = body.contributors.map(({ site }) => site)
  distinctMembers(sites, approved, own.removed, 'contributors')
  const contributors = body.contributors.map(({ site, deal, body: signed, signature }) => {
    const stated = { protocol: PROTOCOL_VERSION, kind: 'contribution', signer: site, body: signed, signature }
    const contribution = openBody('contribution', stated, memberOf(approved.roster, site))
    sameAttempt(contribution, expected)
    if (contribution.model !== body.model) refuseRound(`${site} contributed to another model`, 'contributors')
    if (contribution.deal !== deal) refuseRound(`${site} contributed under another deal`, 'contributors')
    return { site, deal, contribution, statement: { body: signed, signature } }
  })
  const listed = body.contributors.find(({ site }) => site === approved.me)
  if (listed === undefined) {
    if (own.isAcknowledged) refuseRound('what this site contributed was taken and is left out', 'contributors')
    return contributors
  }
  const { statement } = own
  if (statement === undefined || statement === 'pruned' || hashBytes(statement.body) !== hashBytes(listed.body))
    refuseRound('this is not what this site contributed', 'contributors')
  return contributors
}
