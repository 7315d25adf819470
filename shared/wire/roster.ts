import { CodedError } from '../errors.ts'
import type { Digest, SiteId } from '../ids.ts'
import type { Signer } from './body.ts'
import { type Canonical, decodeCanonical, encodeCanonical, hashCanonical } from './canonical.ts'
import { type Roster, rosterSchema } from './messages.ts'

/** What every member signs and every approval contains (R1). */
export const rosterHash = (roster: Roster): Digest => hashCanonical('roster', roster as unknown as Canonical)

export const encodeRoster = (roster: Roster): Uint8Array => encodeCanonical(roster as unknown as Canonical)

/** Throws `CANONICAL_INVALID`, or `ROSTER_REFUSED` when a name or key stands twice. */
export const decodeRoster = (bytes: Uint8Array): Roster => {
  const parsed = rosterSchema.safeParse(decodeCanonical(bytes))
  if (!parsed.success) throw new CodedError('CANONICAL_INVALID', 'a roster of another form')
  const keys = [parsed.data.coordinator, ...parsed.data.members.map((member) => member.identity)]
  const distinct = new Set(keys.map((key) => Buffer.from(key).toString('hex')))
  const names = new Set(parsed.data.members.map((member) => member.site))
  if (distinct.size !== keys.length || names.size !== parsed.data.members.length)
    throw new CodedError('ROSTER_REFUSED', 'a site or key stands twice in the roster')
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
