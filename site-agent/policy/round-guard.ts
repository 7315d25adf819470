import { attemptNumbers, queryOfStep } from '@tributary/shared/dp/steps'
import { CodedError } from '@tributary/shared/errors'
import type { Digest, RoundId, SiteId, StudyId } from '@tributary/shared/ids'
import { type Body, openBody } from '@tributary/shared/wire/body'
import { coordinatorOf } from '@tributary/shared/wire/roster'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { ApprovedStudy } from './approved-study.ts'

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

export const refuseRound = (why: string, field: string): never => {
  throw new CodedError('ROUND_REFUSED', why, { place: { field } })
}

/** The fields of an attempt that the plan has. Throws `ROUND_REFUSED`. */
export const attemptOf = (approved: ApprovedStudy, step: number, attempt: number): AttemptFields => {
  const { query } = queryOfStep(approved.queries, step)
  const planned = approved.queries[query]
  if (planned === undefined || attempt >= attemptNumbers(planned))
    refuseRound('the plan has no such attempt', 'attempt')
  const { study, rosterHash } = approved
  return { study, step, attempt, round: roundIdOf(study, step, attempt), roster: rosterHash }
}

/** Throws `ROUND_REFUSED` unless a message is of this very study, roster, step, attempt and round (R1, R2). */
export const sameAttempt = (body: AttemptFields, expected: AttemptFields): void => {
  for (const field of ['study', 'roster', 'step', 'attempt', 'round'] as const)
    if (body[field] !== expected[field]) refuseRound('not of the approved study, roster and attempt', field)
}

/** At least the promised number of different sites of the study (R7), none of them removed from the roster when this site dealt (R1). */
export const distinctMembers = (
  sites: readonly SiteId[],
  approved: ApprovedStudy,
  removed: readonly SiteId[],
  field: string,
): void => {
  if (new Set(sites).size !== sites.length) refuseRound('a site stands twice', field)
  if (sites.some((site) => !approved.sites.includes(site))) refuseRound('a site that is not in the study', field)
  const gone = sites.filter((site) => removed.includes(site))
  if (gone.length > 0) refuseRound(`${gone.join(', ')} was removed from the roster before this attempt`, field)
  const { least_contributors: least } = approved.manifest.federation
  if (sites.length < least) refuseRound(`${sites.length} sites where the study promises at least ${least}`, field)
}

/** What this site dealt for a round. */
export interface OwnDeal {
  /** Hash of the signed deal. */
  readonly deal: Digest
  /** Sites of the study that the admin had removed by then, as this site knew. */
  readonly removed: readonly SiteId[]
}

/** The coordinator's order to contribute, for the very deal this site made. Throws `ROUND_REFUSED` and what `openBody` throws. */
export const openBroadcast = (
  message: SignedMessage,
  approved: ApprovedStudy,
  ownDeal: (round: RoundId) => OwnDeal | undefined,
): Body<'broadcast'> => {
  const body = openBody('broadcast', message, coordinatorOf(approved.roster))
  sameAttempt(body, attemptOf(approved, body.step, body.attempt))
  if (body.manifest !== approved.manifestHash) refuseRound('another manifest than the approved one', 'manifest')
  if (body.query !== queryOfStep(approved.queries, body.step).query) refuseRound('another query than planned', 'query')
  const dealt = ownDeal(body.round)
  const dealers = body.dealers.map(({ site }) => site)
  distinctMembers(dealers, approved, dealt?.removed ?? [], 'dealers')
  const own = body.dealers.find(({ site }) => site === approved.me)
  if (own === undefined || own.deal !== dealt?.deal) refuseRound('this site did not make that deal', 'dealers')
  return body
}
