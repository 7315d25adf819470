import { attemptNumbers, queryOfStep } from '@tributary/shared/dp/steps'
import { CodedError } from '@tributary/shared/errors'
import type { Digest, RoundId, SiteId, StudyId } from '@tributary/shared/ids'
import { type Body, openBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { coordinatorOf, memberOf } from '@tributary/shared/wire/roster'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { PROTOCOL_VERSION, type SignedMessage } from '@tributary/shared/wire/signed'
import type { ApprovedStudy } from './approved-study.ts'
import type { PeerStatement } from './peer-counters.ts'

/*
 * What a site refuses, whatever the coordinator sends: pure checks of signed messages against the approved study. Everything
 * thrown here is a refusal of the round, never an answer.
 */

export interface AttemptFields {
  readonly study: StudyId
  readonly step: number
  readonly attempt: number
  readonly round: RoundId
  readonly roster: Digest
}

const refuse = (why: string, field: string): never => {
  throw new CodedError('ROUND_REFUSED', why, { place: { field } })
}

/** The fields of an attempt that the plan has. Throws `ROUND_REFUSED`. */
export const attemptOf = (approved: ApprovedStudy, step: number, attempt: number): AttemptFields => {
  const { query } = queryOfStep(approved.queries, step)
  const planned = approved.queries[query]
  if (planned === undefined || attempt >= attemptNumbers(planned)) refuse('the plan has no such attempt', 'attempt')
  const { study, rosterHash } = approved
  return { study, step, attempt, round: roundIdOf(study, step, attempt), roster: rosterHash }
}

const sameAttempt = (body: AttemptFields, expected: AttemptFields): void => {
  for (const field of ['study', 'roster', 'step', 'attempt', 'round'] as const)
    if (body[field] !== expected[field]) refuse('not of the approved study, roster and attempt', field)
}

const distinctMembers = (sites: readonly SiteId[], approved: ApprovedStudy, field: string): void => {
  if (new Set(sites).size !== sites.length) refuse('a site stands twice', field)
  if (sites.some((site) => !approved.sites.includes(site))) refuse('a site that is not in the study', field)
  const { least_contributors: least } = approved.manifest.federation
  if (sites.length < least) refuse(`${sites.length} sites where the study promises at least ${least}`, field)
}

/** The coordinator's order to contribute, for the very deal this site made. Throws `ROUND_REFUSED` and what `openBody` throws. */
export const openBroadcast = (
  message: SignedMessage,
  approved: ApprovedStudy,
  ownDeal: (round: RoundId) => Digest | undefined,
): Body<'broadcast'> => {
  const body = openBody('broadcast', message, coordinatorOf(approved.roster))
  sameAttempt(body, attemptOf(approved, body.step, body.attempt))
  if (body.manifest !== approved.manifestHash) refuse('another manifest than the approved one', 'manifest')
  if (body.query !== queryOfStep(approved.queries, body.step).query) refuse('another query than planned', 'query')
  distinctMembers(
    body.dealers.map(({ site }) => site),
    approved,
    'dealers',
  )
  const own = body.dealers.find(({ site }) => site === approved.me)
  if (own === undefined || own.deal !== ownDeal(body.round)) refuse('this site did not make that deal', 'dealers')
  return body
}

export interface NamedContributor {
  readonly site: SiteId
  readonly deal: Digest
  readonly contribution: Body<'contribution'>
  /** As the site signed it. */
  readonly statement: PeerStatement
}

/** The contributor set U with every member's verified statement. Throws `ROUND_REFUSED` and what `openBody` throws. */
export const openAnnouncement = (
  message: SignedMessage,
  approved: ApprovedStudy,
  ownContribution: (round: RoundId) => SignedMessage | undefined,
): {
  readonly body: Body<'announcement'>
  readonly contributors: readonly NamedContributor[]
  readonly hash: Digest
} => {
  const body = openBody('announcement', message, coordinatorOf(approved.roster))
  const expected = attemptOf(approved, body.step, body.attempt)
  sameAttempt(body, expected)
  distinctMembers(
    body.contributors.map(({ site }) => site),
    approved,
    'contributors',
  )
  const contributors = body.contributors.map(({ site, deal, body: signed, signature }) => {
    const stated = { protocol: PROTOCOL_VERSION, kind: 'contribution', signer: site, body: signed, signature }
    const contribution = openBody('contribution', stated, memberOf(approved.roster, site))
    sameAttempt(contribution, expected)
    if (contribution.model !== body.model) refuse(`${site} contributed to another model`, 'contributors')
    if (contribution.deal !== deal) refuse(`${site} contributed under another deal`, 'contributors')
    return { site, deal, contribution, statement: { body: signed, signature } }
  })
  const own = ownContribution(body.round)
  const listed = body.contributors.find(({ site }) => site === approved.me)
  if (listed !== undefined && (own === undefined || hashBytes(own.body) !== hashBytes(listed.body)))
    refuse('this is not what this site contributed', 'contributors')
  return { body, contributors, hash: hashBytes(message.body) }
}

export interface OpenedDeal {
  readonly dealer: SiteId
  /** Hash of the signed body. */
  readonly deal: Digest
  readonly body: Body<'deal'>
  /** This site's own latest contributions, to this study and to any, that the dealer saw (R4). */
  readonly own: readonly { readonly contribution: Body<'contribution'>; readonly body: Uint8Array }[]
}

/**
 * A dealer's deal for this attempt. Throws `ROUND_REFUSED` and what `openBody` throws, also where it shows a contribution under
 * this site's name that this site did not sign: such a dealer spoils its own deal alone (R24).
 */
export const openDeal = (message: SignedMessage, approved: ApprovedStudy, expected: AttemptFields): OpenedDeal => {
  const dealer = approved.sites.find((site) => site === message.signer)
  if (dealer === undefined) return refuse('a deal of a site that is not in the study', 'deal')
  const body = openBody('deal', message, memberOf(approved.roster, dealer))
  sameAttempt(body, expected)
  const own = body.seen
    .filter(({ site }) => site === approved.me)
    .map(({ body: stated, signature }) => {
      const statement = {
        protocol: PROTOCOL_VERSION,
        kind: 'contribution',
        signer: approved.me,
        body: stated,
        signature,
      }
      return { contribution: openBody('contribution', statement, memberOf(approved.roster, approved.me)), body: stated }
    })
  return { dealer, deal: hashBytes(message.body), body, own }
}

/** The epoch of this site's box in a deal. Throws `BOX_INVALID` where `box` is not the one that was dealt. */
export const ownEpoch = ({ dealer, body }: OpenedDeal, box: Uint8Array, me: SiteId): number => {
  const mine = body.boxes.filter(({ to }) => to === me)
  if (mine.length !== 1 || mine[0] === undefined || mine[0].box !== hashBytes(box))
    throw new CodedError('BOX_INVALID', `${dealer} dealt no such box to this site`)
  return mine[0].epoch
}
