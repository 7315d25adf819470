import { describe, expect, it } from 'vitest'
import { siteId } from '../ids.ts'
import type { Roster } from './messages.ts'
import { checkRosterSignature, decodeRoster, encodeRoster, rosterHash, signRoster } from './roster.ts'
import { generateIdentity, signMessage } from './signed.ts'

const [admin, coordinator, other] = [generateIdentity(), generateIdentity(), generateIdentity()]
const names = (count: number) => Array.from({ length: count }, (_, i) => siteId(`site-${i}`))
const members = names(21).map((site) => ({ site, identity: generateIdentity().publicKey }))
const roster = (changed: Partial<Roster> = {}): Roster => ({
  federation: 'Rhine',
  version: 1,
  admin: admin.publicKey,
  coordinator: coordinator.publicKey,
  members: members.slice(0, 3),
  committee: [],
  ...changed,
})
const read = (changed: Partial<Roster>) => decodeRoster(encodeRoster(roster(changed)))
const refused = (call: () => unknown, code = 'ROSTER_REFUSED') =>
  expect(call).toThrow(expect.objectContaining({ code }))

describe('what a roster may be', () => {
  it('R1 reads back what was written', () => {
    expect(read({})).toEqual(roster())
    const many = { members, committee: names(21).slice(3, 16) }
    expect(read(many)).toEqual(roster(many))
  })

  it('R1 every key has one holder: nobody stands twice, and the admin is neither coordinator nor site', () => {
    const [first, second] = [members[0]!, members[1]!]
    refused(() => read({ admin: coordinator.publicKey }))
    refused(() => read({ admin: first.identity }))
    refused(() => read({ coordinator: first.identity }))
    refused(() => read({ members: [first, { site: second.site, identity: first.identity }] }))
    refused(() => read({ members: [first, { site: first.site, identity: second.identity }] }))
  })

  it('R7 a committee has 12 to 16 members of the roster, each once, and more than 20 members have one', () => {
    refused(() => read({ members }))
    refused(() => read({ members, committee: names(11) }))
    refused(() => read({ members: members.slice(0, 20), committee: names(11) }))
    refused(() => read({ members, committee: [...names(11), siteId('site-0')] }))
    refused(() => read({ members, committee: [...names(11), siteId('elsewhere')] }))
    expect(read({ members: members.slice(0, 20), committee: names(12) }).committee).toHaveLength(12)
  })
})

describe('who says what the roster is', () => {
  it('R1 the admin alone, for this very roster and version', () => {
    const signature = signRoster(roster(), admin)
    expect(() => checkRosterSignature(roster(), signature, admin.publicKey)).not.toThrow()
    refused(() => checkRosterSignature(roster({ members }), signature, admin.publicKey))
    refused(() => checkRosterSignature(roster({ version: 2 }), signature, admin.publicKey))
    const stale = signMessage('roster-signature', 'admin', { roster: rosterHash(roster()), version: 2 }, admin)
    refused(() => checkRosterSignature(roster(), stale, admin.publicKey))
  })

  it('R1 neither the coordinator nor a new admin whom the roster itself names', () => {
    const forged = signRoster(roster(), coordinator)
    refused(() => checkRosterSignature(roster(), forged, admin.publicKey), 'SIGNATURE_INVALID')
    const replaced = roster({ version: 2, admin: other.publicKey })
    refused(() => checkRosterSignature(replaced, signRoster(replaced, other), admin.publicKey))
  })
})
