import { runCommand } from '@tributary/shared/cli/output'
import { type SiteId, siteId } from '@tributary/shared/ids'
import type { Roster } from '@tributary/shared/wire/messages'
import { encodeRoster, rosterHash, signRoster } from '@tributary/shared/wire/roster'
import { fingerprint, generateIdentity, type IdentityKey, type SignedMessage } from '@tributary/shared/wire/signed'
import { signBody } from '@tributary/shared/wire/body'
import { Command } from 'commander'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { clock, startFederation, type TestFederation } from '../../test/unit/link/federation-fixture.ts'
import { readEnrolmentRecord, writeEnrolmentRecord } from '../enrolment/enrolment-record.ts'
import { openSiteKeys } from '../enrolment/site-keys.ts'
import { RosterWatch } from '../policy/roster-watch.ts'
import { Site } from '../site.ts'
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
let signature: SignedMessage

beforeAll(async () => {
  federation = await startFederation({
    roster: async () => ({ roster: encodeRoster(roster), countersignatures, signature }),
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

/** What the coordinator serves: `names`, signed by the admin unless by another. */
const propose = (version: number, names: readonly string[], signer: IdentityKey = federation.admin) => {
  const listed = names.map(siteId).map((site) => ({
    site,
    identity: (others.get(site) ?? openSiteKeys(folder).identity).publicKey,
  }))
  const { coordinatorIdentity: coordinator } = federation.desk
  const admin = federation.admin.publicKey
  roster = { federation: 'test', version, admin, coordinator, members: listed, committee: [] }
  signature = signRoster(roster, signer)
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
const answer = async (...args: string[]) => JSON.parse(await words(...args, '--json'))
const json = async (...args: string[]) => (await answer(...args)).data
const heard = (...names: string[]) =>
  names.length === 0
    ? []
    : [
        '--fingerprint',
        ...names.map((name) => `${name}=${fingerprint((others.get(siteId(name)) as IdentityKey).publicKey)}`),
      ]
const first = (...names: string[]) =>
  answer(
    'roster',
    'confirm',
    '--admin-fingerprint',
    fingerprint(federation.admin.publicKey),
    '--coordinator-fingerprint',
    fingerprint(roster.coordinator),
    ...heard(...names),
  )
const confirm = (...names: string[]) => answer('roster', 'confirm', ...heard(...names))
const refusal = (why: string) => ({ error_code: 'ROSTER_REFUSED', message: expect.stringContaining(why) })

it('status says what is true before a roster is confirmed, and what to do next', async () => {
  propose(1, ['ash', 'birch', 'cedar'])
  const status = await json('status')
  expect(status).toMatchObject({
    certificate_accepted: true,
    roster_confirmed: null,
    admin_fingerprint: null,
    fingerprint: fingerprint(openSiteKeys(folder).identity.publicKey),
    certificate_expires: expect.stringMatching(/^20\d\d-/),
    next: expect.stringContaining('roster show --data-dir'),
  })
  expect(status.error).toBeUndefined()
})

it('R1 a fingerprint of another form is a slip of the pen, not an impostor; hyphens and capitals do not matter', async () => {
  const admin = fingerprint(federation.admin.publicKey)
  const forms = [admin.slice(0, -1), `${admin} 0`, admin.replace(/.$/, 'g'), '']
  const coordinator = ['--coordinator-fingerprint', fingerprint(roster.coordinator)]
  const form = (field: string) => ({
    error_code: 'ARGUMENT_INVALID',
    message: expect.stringContaining('eight groups of four hexadecimal digits'),
    place: { field },
  })
  for (const given of forms) {
    const refused = await answer('roster', 'confirm', '--admin-fingerprint', given, ...coordinator, ...heard('birch'))
    expect(refused).toMatchObject(form('--admin-fingerprint'))
  }
  const hyphens = ['--admin-fingerprint', admin.replaceAll(' ', '-').toUpperCase(), ...coordinator]
  expect(await answer('roster', 'confirm', ...hyphens, '--fingerprint', 'birch=12')).toMatchObject(
    form('--fingerprint birch'),
  )
  expect(await answer('roster', 'confirm', ...hyphens, ...heard('birch'))).toMatchObject(
    refusal('cedar: the fingerprint was not given'),
  )
})

it('R1 the first confirmation wants every fingerprint, the admin among them, and says which is missing', async () => {
  expect(await confirm('birch')).toMatchObject({
    ...refusal('admin, coordinator, cedar: the fingerprint was not given'),
    hint: expect.stringContaining(
      '--admin-fingerprint "..." --coordinator-fingerprint "..." --fingerprint cedar="..."',
    ),
  })
  const wrong = ['--coordinator-fingerprint', fingerprint(federation.admin.publicKey), ...heard('birch', 'cedar')]
  const admin = ['--admin-fingerprint', fingerprint(roster.coordinator)]
  expect(await answer('roster', 'confirm', ...admin, ...wrong)).toMatchObject({
    ...refusal('admin: not the one in the roster: stop, and telephone the admin'),
    hint: expect.stringContaining('do not confirm'),
  })
  expect(await first('birch', 'cedar', 'date')).toMatchObject(refusal('date: not in the roster'))
  expect((await json('roster', 'show')).next).toContain('--fingerprint birch="..." --fingerprint cedar="..."')
})

it('confirm says who has countersigned, this site included, and whom it waits for', async () => {
  const signing = signBody(
    'countersignature',
    siteId('birch'),
    { roster: rosterHash(roster) },
    others.get(siteId('birch')) as IdentityKey,
  )
  countersignatures = [signing]
  const { data } = await first('birch', 'cedar')
  expect(data.members).toMatchObject([{ countersigned: true }, { countersigned: true }, { countersigned: false }])
  expect(data.next).toContain('wait for the others')
  expect(data.changes).toBeUndefined()
})

it('R1 a sybil added by the coordinator without the admin key is refused, whatever fingerprint is given', async () => {
  const own = generateIdentity()
  for (const signer of [generateIdentity(), own]) {
    propose(2, ['ash', 'birch', 'cedar', 'date'], signer)
    if (signer === own) {
      roster = { ...roster, admin: own.publicKey }
      signature = signRoster(roster, own)
    }
    const code = signer === own ? 'ROSTER_REFUSED' : 'SIGNATURE_INVALID'
    expect(await confirm('date')).toMatchObject({ error_code: code })
    expect(await answer('roster', 'show')).toMatchObject({ error_code: code })
    expect(await first('birch', 'cedar', 'date')).toMatchObject({ error_code: code })
  }
  expect(countersignatures).toEqual([])
})

it('R1 a swapped identity key is refused: unsigned by the admin, and signed but not heard from the hospital', async () => {
  const before = others.get(siteId('birch')) as IdentityKey
  others.set(siteId('birch'), generateIdentity())
  propose(2, ['ash', 'birch', 'cedar'], generateIdentity())
  expect(await confirm('birch')).toMatchObject({ error_code: 'SIGNATURE_INVALID' })
  propose(2, ['ash', 'birch', 'cedar'])
  expect(await confirm()).toMatchObject(refusal('birch: the fingerprint was not given'))
  others.set(siteId('birch'), before)
  expect(await confirm('birch')).toMatchObject(
    refusal('birch: not the one in the roster: stop, and telephone that hospital'),
  )
  expect(countersignatures).toEqual([])
})

it('R1 a later version needs the fingerprints of what is new or changed alone, and shows what differs', async () => {
  others.set(siteId('birch'), generateIdentity())
  propose(2, ['ash', 'birch', 'date'])
  expect((await json('roster', 'show')).next).toMatch(/--fingerprint birch="\.\.\." --fingerprint date="\.\.\."$/)
  expect((await confirm('birch', 'date')).data.changes).toEqual({
    before_version: 1,
    joined: ['date'],
    left: ['cedar'],
    other_key: ['birch'],
  })
  expect(await json('status')).toMatchObject({
    roster_confirmed: 2,
    admin_fingerprint: fingerprint(federation.admin.publicKey),
    next: expect.stringContaining('source add'),
  })
})

it('R1 an older version is refused', async () => {
  propose(1, ['ash', 'birch', 'date'])
  expect(await confirm()).toMatchObject(refusal('version 2 is confirmed already, this is the older version 1'))
  propose(2, ['ash', 'birch'])
  expect(await confirm()).toMatchObject(refusal('version 2 was confirmed with other members'))
  propose(2, ['ash', 'birch', 'date'])
  expect((await confirm()).data.changes).toEqual({ before_version: 2, joined: [], left: [], other_key: [] })
})

it('show says so where this site is not in the roster, or not under its own key', async () => {
  expect((await json('roster', 'show')).this_site).toBeUndefined()
  propose(3, ['birch', 'cedar'])
  expect((await json('roster', 'show')).this_site).toMatch(/^ash is not in this roster: do not confirm it/)
  propose(3, ['ash', 'birch'])
  roster.members[0]!.identity = generateIdentity().publicKey
  signature = signRoster(roster, federation.admin)
  expect(await confirm()).toMatchObject(refusal('another key than ours'))
  expect(await words('roster', 'show')).toContain(
    `another key than ours (${fingerprint(openSiteKeys(folder).identity.publicKey)})`,
  )
  propose(2, ['ash', 'birch', 'date'])
})

it('R1 what the agent took up by itself is told until the officer has confirmed it, by show and by confirm', async () => {
  const told = /since version 2: left date, by the admin's signature, taken up by the agent/
  propose(3, ['ash', 'birch'])
  const site = new Site(folder, clock)
  const [book, client] = [site.openBook(), site.connect()]
  await new RosterWatch({ book, client, log: pino({ level: 'silent' }) }).refresh()
  client.close()
  expect(book.roster()?.version).toBe(3)
  for (let i = 0; i < 2; i++) expect(await words('roster', 'show')).toMatch(told)
  expect(await json('roster', 'show')).toMatchObject({
    confirmed_version: 2,
    version_in_force: 3,
    taken_up_by_agent: { before_version: 2, joined: [], left: ['date'], other_key: [] },
    next: expect.stringContaining('in force here already'),
  })
  expect(await json('status')).toMatchObject({ roster_confirmed: 2, roster_in_force: 3 })
  expect(await words('roster', 'confirm')).toMatch(told)
  book.close()
  const after = await json('roster', 'show')
  expect(after).toMatchObject({ confirmed_version: 3, version_in_force: 3 })
  expect(after.taken_up_by_agent).toBeUndefined()
  expect((await json('status')).roster_in_force).toBeUndefined()
})

it('egress lists when each message left as a date, and counts the greetings', async () => {
  const { totals, latest } = await json('egress', '--last', '2')
  expect(totals).toMatchObject([
    { kind: 'countersignature', messages: 4 },
    { kind: 'enrolment' },
    { kind: 'greeting', messages: 4 },
  ])
  expect(latest).toHaveLength(2)
  for (const { at } of latest) expect(new Date(at).toISOString()).toBe(at)
  expect(await words('egress', '--last', '1')).toMatch(/20\d\d-\d\d-\d\dT/)
})

it('status without the coordinator prints what is known here, the error as one field, and what to do about it', async () => {
  const record = readEnrolmentRecord(folder)
  writeEnrolmentRecord(folder, { ...record, coordinator: '127.0.0.1:1' })
  const status = await json('status')
  expect(process.exitCode).toBe(2)
  expect(status).toMatchObject({
    site: 'ash',
    certificate_accepted: null,
    certificate_expires: expect.stringMatching(/^20\d\d-/),
    roster_confirmed: 3,
    error: {
      code: 'UNAVAILABLE',
      message: 'the coordinator cannot be reached at 127.0.0.1:1: connection refused',
    },
    ledger: 'sound',
    next: expect.stringContaining('run this again'),
  })
  expect(status.protocol).toBeUndefined()
  writeEnrolmentRecord(folder, record)
  federation.registry.revoke(ash, clock.now())
  expect(await json('status')).toMatchObject({
    certificate_accepted: false,
    error: { code: 'CERTIFICATE_REVOKED' },
    next: expect.stringContaining('enrol again with a new invitation'),
  })
}, 20_000)
