import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '@tributary/shared/cli/output'
import { priceOf } from '@tributary/shared/dp/accountant'
import { pricePlan } from '@tributary/shared/dp/plan'
import { siteId } from '@tributary/shared/ids'
import { decodeManifest, encodeManifest, freezeStudy, studyIdOf } from '@tributary/shared/study/manifest'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { delta, epsilon } from '@tributary/shared/units'
import { signBody } from '@tributary/shared/wire/body'
import type { Roster } from '@tributary/shared/wire/messages'
import { encodeRoster, rosterHash, signRoster } from '@tributary/shared/wire/roster'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { generateIdentity, type IdentityKey } from '@tributary/shared/wire/signed'
import { Command } from 'commander'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { addStudyCommands } from '../../../site-agent/cli/study-commands.ts'
import { enrolSite } from '../../../site-agent/enrolment/enrol.ts'
import { openSiteKeys } from '../../../site-agent/enrolment/site-keys.ts'
import { planReservation } from '../../../site-agent/ledger/plan-reservation.ts'
import { Site } from '../../../site-agent/site.ts'
import { siteNames, tinyStudy } from '../../harness/tiny-study.ts'
import { clock, startFederation, type TestFederation } from '../link/federation-fixture.ts'

/* One hospital, one data directory: two coordinators one after the other, a source and a study of each. */
const ash = siteId('ash')
const manifest = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
const members = new Map<string, IdentityKey>(['birch', 'cedar'].map((name) => [name, generateIdentity()]))
const federations: TestFederation[] = []
const rosters: Roster[] = []
const admin = generateIdentity()
let folder: string

/** A coordinator with a roster of its own, whom every member has countersigned. */
const begin = async (place: number): Promise<TestFederation> => {
  const hash = () => rosterHash(rosters[place] as Roster)
  const federation = await startFederation({
    studies: async () => [
      { study: studyIdOf(manifest, hash()), manifest: encodeManifest(manifest), roster: hash(), state: 'waiting' },
    ],
    roster: async () => ({
      roster: encodeRoster(rosters[place] as Roster),
      countersignatures: [...members].map(([name, key]) => signBody('countersignature', name, { roster: hash() }, key)),
      signature: signRoster(rosters[place] as Roster, admin),
    }),
  })
  federations.push(federation)
  return federation
}

beforeAll(async () => {
  const [first, second] = [await begin(0), await begin(1)]
  const client = await first.join(ash)
  client.close()
  folder = first.siteFolder(ash)
  members.set('ash', openSiteKeys(folder).identity)
  const listed = siteNames.slice(0, 3).map((name) => ({
    site: siteId(name),
    identity: (members.get(name) as IdentityKey).publicKey,
  }))
  for (const [i, { desk }] of [first, second].entries())
    rosters.push({
      federation: 'test',
      version: i + 1,
      admin: admin.publicKey,
      coordinator: desk.coordinatorIdentity,
      members: listed,
      committee: [],
    })
  const site = new Site(folder, clock)
  const [book, ledger] = [site.openBook(), site.openLedger()]
  for (const name of ['csv', 'export']) {
    const path = join(folder, `${name}.csv`)
    writeFileSync(path, `a,b\n${'0,1\n'.repeat(20)}`)
    book.addSource({ name, path, overrides: {} })
  }
  ledger.setCap({ epsilon: epsilon(1.5 * planReservation(study(0), manifest).epsilon), delta: delta(1e-4) })
  book.close()
  ledger.close()
})
afterAll(async () => {
  for (const federation of federations) await federation.stop()
})

const study = (place: number) => studyIdOf(manifest, rosterHash(rosters[place] as Roster))

/** The officer confirms the roster of coordinator `place`, enrolled there, and approves its study over `source`. */
const approve = async (place: number, source: string) => {
  const { authority, address, invite } = federations[place] as TestFederation
  await enrolSite(folder, { coordinator: address, caSha256: authority.fingerprint, token: invite(ash), clock })
  const site = new Site(folder, clock)
  const book = site.openBook()
  book.pinRoster(rosters[place] as Roster)
  book.close()
  let out = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += text)))
  const program = new Command('site-agent')
  addStudyCommands(program, { clock })
  const id = study(place)
  const args = ['study', 'approve', id, '--source', source, '--confirm', id, '--data-dir', folder, '--json']
  await runCommand(program, ['node', 'site-agent', ...args])
  write.mockRestore()
  process.exitCode = undefined
  return JSON.parse(out) as { error_code?: string; data?: { reserved: number } }
}

/** As another process sees it. */
const withLedger = <T>(work: (ledger: ReturnType<Site['openLedger']>) => T): T => {
  const ledger = new Site(folder, clock).openLedger()
  try {
    return work(ledger)
  } finally {
    ledger.close()
  }
}

it('R17 ledger: two studies of two coordinators over two sources are charged to one ledger, which refuses what is too much', async () => {
  const price = planReservation(study(0), manifest).epsilon
  expect((await approve(0, 'csv')).data).toMatchObject({ reserved: price })
  const charge = { study: study(0), round: roundIdOf(study(0), 0, 0), query: 0, step: 0, attempt: 0 }
  withLedger((ledger) => ledger.charge(charge))
  // The same patients from another export, for another coordinator: one study more than the cap holds.
  expect(await approve(1, 'export')).toMatchObject({ error_code: 'BUDGET_EXCEEDED' })
  withLedger((ledger) => ledger.setCap({ epsilon: epsilon(2.5 * price), delta: delta(1e-4) }))
  expect((await approve(1, 'export')).data).toMatchObject({ reserved: price })
  const spending = withLedger((ledger) => ledger.spent())
  expect(spending.reserved.epsilon).toBeCloseTo(2 * price, 9)
  expect(spending.studies.map(({ study: id, attempts }) => [id, attempts[0]?.charged])).toEqual([
    [study(0), 1],
    [study(1), 0],
  ])
  // Approved again, after a restart: nothing more.
  expect((await approve(1, 'csv')).data).toMatchObject({ reserved: price })
  expect(withLedger((ledger) => ledger.verify())).toMatchObject({ entries: 5, broken: null })
})

const rowStudy = (most: number): Manifest => {
  const { plan: _, ...draft } = manifest
  const privacy = { ...manifest.privacy, unit: 'row' as const, patient_key: 'mrn', most_rows_per_patient: most }
  return freezeStudy({ ...draft, privacy })
}

it('R17 ledger: unit row is charged to the patient ledger by group PLD at the declared maximum of rows', () => {
  const [one, four] = [rowStudy(1), rowStudy(4)].map((each) => planReservation(study(0), each))
  expect(four?.phases.map(({ recordsPerUnit }) => recordsPerUnit)).toEqual([4, 4])
  // To rows both promise the same; to a patient of four rows far more, and more than row-level phases say.
  expect(pricePlan(rowStudy(4)).epsilon.target.epsilon).toBeCloseTo(pricePlan(rowStudy(1)).epsilon.target.epsilon, 3)
  expect(four?.epsilon).toBeGreaterThan(2.5 * one!.epsilon)
  expect(four?.epsilon).toBeGreaterThanOrEqual(priceOf(four!.phases, four!.delta).epsilon)
  expect(() => withLedger((ledger) => ledger.reserve({ ...four!, study: study(0), epsilon: one!.epsilon }))).toThrow(
    /^the plan costs epsilon/,
  )
})

it('R17 ledger: unit row without a declared maximum is refused before anything is reserved, whoever sends it', () => {
  const { most_rows_per_patient: _, ...privacy } = manifest.privacy
  const refused = expect.objectContaining({
    place: expect.objectContaining({ field: 'privacy.most_rows_per_patient' }),
  })
  expect(() => decodeManifest(encodeManifest({ ...manifest, privacy }))).toThrow(refused)
})
