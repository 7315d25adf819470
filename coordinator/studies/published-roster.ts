import { HintedError } from '@tributary/shared/cli/hinted-error'
import { CodedError } from '@tributary/shared/errors'
import { type Digest, siteId } from '@tributary/shared/ids'
import type { RosterReply } from '@tributary/shared/wire/federation-api'
import type { Roster } from '@tributary/shared/wire/messages'
import { adminName, checkRoster, checkRosterSignature, encodeRoster, rosterHash } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { StudyStore } from './study-store.ts'

const admin = siteId(adminName)

type Store = Pick<StudyStore, 'addRoster' | 'latestRoster' | 'state' | 'statements'>

/**
 * Keeps a roster and its admin's signature, for the sites to fetch; the same one again changes nothing. Throws `ROSTER_REFUSED`
 * for one that no site would confirm: by another admin than the last, or not the next version.
 */
export const publishRoster = (studies: Store, roster: Roster, signature: SignedMessage): Digest => {
  checkRoster(roster)
  const latest = studies.latestRoster()
  checkRosterSignature(roster, signature, (latest?.roster ?? roster).admin)
  const hash = rosterHash(roster)
  const next = (latest?.roster.version ?? 0) + 1
  if (latest?.hash !== hash && roster.version !== next)
    throw new HintedError(
      'ROSTER_REFUSED',
      `this is version ${roster.version}, the next is ${next}`,
      'Draft it again with `coordinator roster draft`, and sign that.',
    )
  // Signature first: a roster that can be fetched has one, whenever the power goes.
  studies.state(hash, 'roster-signature', admin, signature)
  return studies.addRoster(roster)
}

/** The latest roster as sites fetch it. Throws `NOT_FOUND`. */
export const publishedRoster = (studies: Store): RosterReply => {
  const latest = studies.latestRoster()
  const signature = latest && studies.statements(latest.hash, 'roster-signature')[0]?.message
  if (latest === undefined || signature === undefined)
    throw new CodedError(
      'NOT_FOUND',
      'no roster has been published yet: the operator does (coordinator roster propose)',
    )
  const countersignatures = studies.statements(latest.hash, 'countersignature').map(({ message }) => message)
  return { roster: encodeRoster(latest.roster), countersignatures, signature }
}
