import { CodedError } from '../errors.ts'
import type { Digest, SiteId } from '../ids.ts'
import { openBody, type Signer, signBody } from './body.ts'
import { type Canonical, decodeCanonical, encodeCanonical, hashCanonical } from './canonical.ts'
import { committeeSizes, mostSitesWithoutCommittee } from './committee.ts'
import { type Roster, rosterSchema } from './messages.ts'
import type { IdentityKey, SignedMessage } from './signed.ts'

/** What every member signs and every approval contains (R1). */
export const rosterHash = (roster: Roster): Digest => hashCanonical('roster', roster as unknown as Canonical)

export const encodeRoster = (roster: Roster): Uint8Array => encodeCanonical(roster as unknown as Canonical)

const textOf = (key: Uint8Array): string => Buffer.from(key).toString('hex')

/** Throws `ROSTER_REFUSED` for a committee that is none: of another size than 12 to 16, a member twice, or from outside. */
const checkCommittee = ({ committee, members }: Roster): void => {
  const refuse = (why: string): never => {
    throw new CodedError('ROSTER_REFUSED', why)
  }
  const { least, most } = committeeSizes
  if (committee.length === 0) {
    if (members.length > mostSitesWithoutCommittee)
      refuse(`a roster of more than ${mostSitesWithoutCommittee} members names a committee of ${least} to ${most}`)
    return
  }
  if (committee.length < least || committee.length > most)
    refuse(`a committee has ${least} to ${most} members, not ${committee.length}`)
  if (new Set(committee).size !== committee.length) refuse('a site stands twice in the committee')
  const outside = committee.filter((site) => !members.some((member) => member.site === site))
  if (outside.length > 0) refuse(`${outside.join(', ')} of the committee: not in the roster`)
}

/**
 * What must hold inside any roster: every key has one holder (coordinator, admin, each site), every site one name, and share
 * holders are a committee of its members (R1, R7). Throws `ROSTER_REFUSED`.
 */
export const checkRoster = (roster: Roster): void => {
  const { admin, coordinator, members } = roster
  const keys = [coordinator, ...members.map(({ identity }) => identity)].map(textOf)
  if (keys.includes(textOf(admin)))
    throw new CodedError(
      'ROSTER_REFUSED',
      "the admin's key is also the coordinator's or a site's: who keeps it decides alone",
    )
  const names = new Set(members.map(({ site }) => site))
  if (new Set(keys).size !== keys.length || names.size !== members.length)
    throw new CodedError('ROSTER_REFUSED', 'a site or key stands twice in the roster')
  checkCommittee(roster)
}

/** Throws `CANONICAL_INVALID`, or `ROSTER_REFUSED` for what `checkRoster` refuses. */
export const decodeRoster = (bytes: Uint8Array): Roster => {
  const parsed = rosterSchema.safeParse(decodeCanonical(bytes))
  if (!parsed.success) throw new CodedError('CANONICAL_INVALID', 'a roster of another form')
  checkRoster(parsed.data)
  return parsed.data
}

/** Throws `ROSTER_REFUSED` for a site that is no member. */
export const memberOf = (roster: Roster, site: SiteId): Signer => {
  const member = roster.members.find((each) => each.site === site)
  if (member === undefined) throw new CodedError('ROSTER_REFUSED', `${site} is not in the roster`)
  return { name: site, publicKey: member.identity }
}

/** The name under which a coordinator signs. */
export const coordinatorName = 'coordinator'

export const coordinatorOf = (roster: Roster): Signer => ({ name: coordinatorName, publicKey: roster.coordinator })

/** The name under which the consortium's admin signs. */
export const adminName = 'admin'

/** The admin's word that `roster` is the next version; by the key that the roster itself names. */
export const signRoster = (roster: Roster, admin: IdentityKey): SignedMessage =>
  signBody('roster-signature', adminName, { roster: rosterHash(roster), version: roster.version }, admin)

/**
 * Checks that the admin with this key said that this very roster is its version (R1): `admin` is what the reader pinned, or
 * confirmed by fingerprint. Throws `ROSTER_REFUSED`, `SIGNATURE_INVALID`, `PROTOCOL_UNSUPPORTED` or `CANONICAL_INVALID`.
 */
export const checkRosterSignature = (roster: Roster, signature: SignedMessage, admin: Uint8Array): void => {
  const refuse = (why: string): never => {
    throw new CodedError('ROSTER_REFUSED', why)
  }
  if (Buffer.compare(roster.admin, admin) !== 0)
    refuse('the roster names another admin key than the one confirmed here: an admin key is never replaced by a roster')
  const said = openBody('roster-signature', signature, { name: adminName, publicKey: admin })
  if (said.roster !== rosterHash(roster) || said.version !== roster.version)
    refuse("the admin's signature is for another roster")
}
