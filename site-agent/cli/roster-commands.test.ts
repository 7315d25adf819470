import { runCommand } from '@tributary/shared/cli/output'
import { type SiteId, siteId } from '@tributary/shared/ids'
import type { Roster } from '@tributary/shared/wire/messages'
import { encodeRoster, rosterHash } from '@tributary/shared/wire/roster'
import { fingerprint, generateIdentity, type IdentityKey, type SignedMessage } from '@tributary/shared/wire/signed'
import { signBody } from '@tributary/shared/wire/body'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { clock, startFederation, type TestFederation } from '../../test/unit/link/federation-fixture.ts'
import { openSiteKeys } from '../enrolment/site-keys.ts'
import { addRosterCommands } from './roster-commands.ts'
import { addRunCommands } from './run-commands.ts'

const ash = siteId('ash')
const others = new Map<SiteId, IdentityKey>(
  ['birch', 'cedar', 'date'].map((name) => [siteId(name), generateIdentity()]),
)
let federation: TestFederation
let folder = ''
let roster: Roster
let countersignatures: SignedMessage[] = []

beforeAll(async () => {
  federation = await startFederation({
    roster: async () => ({ roster: encodeRoster(roster), countersignatures }),
    countersign: async (_peer, message) => void countersignatures.push(message),
  })
  const client = await federation.join(ash)
  client.close()
  folder = federation.siteFolder(ash)
})
afterAll(() => federation.stop())
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

const propose = (version: number, ...names: string[]) => {
  const listed = names.map(siteId).map((site) => ({
    site,
    identity: (others.get(site) ?? openSiteKeys(folder).identity).publicKey,
  }))
  const { coordinatorIdentity: coordinator } = federation.desk
  roster = { federation: 'test', version, coordinator, members: listed }
  countersignatures = []
}
const words = async (...args: string[]): Promise<string> => {
  let out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += text)))
  const program = new Command('site-agent')
  addRosterCommands(program, { clock })
  addRunCommands(program, { clock })
  await runCommand(program, ['node', 'site-agent', ...args, '--data-dir', folder])
  return out
}
const json = async (...args: string[]) => JSON.parse(await words(...args, '--json')).data
const confirm = () => {
  const heard = roster.members
    .filter(({ site }) => site !== ash)
    .map(({ site, identity }) => `${site}=${fingerprint(identity)}`)
  return json(
    'roster',
    'confirm',
    '--coordinator-fingerprint',
    fingerprint(roster.coordinator),
    '--fingerprint',
    ...heard,
  )
}

it('status says what to do next', async () => {
  propose(1, 'ash', 'birch', 'cedar')
  expect(await json('status')).toMatchObject({ trusted: true, next: expect.stringContaining('roster show --data-dir') })
})

it('confirm says who has countersigned, this site included, and whom it waits for', async () => {
  const signing = signBody(
    'countersignature',
    siteId('birch'),
    { roster: rosterHash(roster) },
    others.get(siteId('birch')) as IdentityKey,
  )
  countersignatures = [signing]
  const shown = await confirm()
  expect(shown.members).toMatchObject([{ countersigned: true }, { countersigned: true }, { countersigned: false }])
  expect(shown.next).toContain('wait for the others')
  expect(shown.changes).toBeUndefined()
})

it('confirm shows what differs from the roster that was confirmed before', async () => {
  others.set(siteId('birch'), generateIdentity())
  propose(2, 'ash', 'birch', 'date')
  expect((await confirm()).changes).toEqual({
    before_version: 1,
    joined: ['date'],
    left: ['cedar'],
    other_key: ['birch'],
  })
  expect(await json('status')).toMatchObject({ next: expect.stringContaining('source add') })
})

it('show says so where this site is not in the roster, or not under its own key', async () => {
  expect((await json('roster', 'show')).this_site).toBeUndefined()
  propose(3, 'birch', 'cedar')
  expect((await json('roster', 'show')).this_site).toMatch(/^ash is not in this roster: do not confirm it/)
  propose(3, 'ash', 'birch')
  roster.members[0]!.identity = generateIdentity().publicKey
  expect(await words('roster', 'show')).toContain(
    `another key than ours (${fingerprint(openSiteKeys(folder).identity.publicKey)})`,
  )
  propose(2, 'ash', 'birch', 'date')
})

it('egress lists when each message left as a date, and counts the greetings', async () => {
  const { totals, latest } = await json('egress', '--last', '2')
  expect(totals).toMatchObject([
    { kind: 'countersignature', messages: 2 },
    { kind: 'enrolment' },
    { kind: 'greeting', messages: 2 },
  ])
  expect(latest).toHaveLength(2)
  for (const { at } of latest) expect(new Date(at).toISOString()).toBe(at)
  expect(await words('egress', '--last', '1')).toMatch(/20\d\d-\d\d-\d\dT/)
})
