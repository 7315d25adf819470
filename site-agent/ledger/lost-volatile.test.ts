import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { runCommand } from '@tributary/shared/cli/output'
import { siteId, studyId } from '@tributary/shared/ids'
import { delta, epsilon, noiseMultiplier, samplingRate } from '@tributary/shared/units'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { Command } from 'commander'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { addEnrolmentCommands } from '../enrolment/commands.ts'
import { createSiteKeys } from '../enrolment/site-keys.ts'
import { requireVolatile } from '../policy/volatile-mark.ts'
import { openHoldout } from '../records/holdout.ts'
import { addBudgetCommands } from './budget-commands.ts'
import { hasHeldOut } from './held-out-history.ts'
import { openLedgerIn } from './ledger-folder.ts'

/* A data directory that was put back from an ordinary backup: everything but volatile/ (R4). */
let root: string
const site = () => join(root, 'site')
const fresh = () => join(root, 'fresh')
const clock = { now: () => 1_700_000_000_000, sleep: () => Promise.resolve() }
const study = (digit: string) => studyId(digit.repeat(64))
const lost = expect.objectContaining({ code: 'VOLATILE_LOST' })
const reservation = (digit: string, heldOut = false) => ({
  study: study(digit),
  name: `study-${digit}`,
  unit: 'patient' as const,
  epsilon: epsilon(2.5),
  delta: delta(1e-5),
  distance: 0,
  phases: [
    { noiseMultiplier: noiseMultiplier(10), samplingRate: samplingRate(1), steps: 10 },
    ...(heldOut
      ? [{ noiseMultiplier: noiseMultiplier(50), samplingRate: samplingRate(1), steps: 1, heldOut: true as const }]
      : []),
  ],
})

const withLedger = <T>(dataDir: string, work: (ledger: ReturnType<typeof openLedgerIn>) => T): T => {
  const ledger = openLedgerIn(dataDir, clock)
  try {
    return work(ledger)
  } finally {
    ledger.close()
  }
}
const charge = (digit: string, from: number, to: number) =>
  withLedger(site(), (ledger) => {
    for (let step = from; step < to; step++)
      ledger.charge({ study: study(digit), round: roundIdOf(study(digit), step, 0), query: 0, step, attempt: 0 })
  })
const approve = (digit: string, heldOut = false) =>
  withLedger(site(), (ledger) => ledger.reserve(reservation(digit, heldOut)))
const counts = (dataDir: string) =>
  withLedger(dataDir, (ledger) => ledger.spent().studies.map(({ attempts }) => attempts.map(({ charged }) => charged)))

const run = async (...args: string[]) => {
  const shown = { out: '', error: '' }
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((shown.out += String(text))))
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((shown.error += String(text))))
  process.exitCode = 0
  const program = new Command('site-agent')
  addBudgetCommands(program, { clock })
  const at = args.includes('--data-dir') ? [] : ['--data-dir', site()]
  await runCommand(program, ['node', 'site-agent', 'budget', ...args, ...at])
  vi.restoreAllMocks()
  return { code: process.exitCode, ...shown }
}

/** Three attempts of study 5 are in the backup; six more of it, and study 6, are not. */
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'lost-volatile-'))
  await createSiteKeys(site(), siteId('north'))
  await createSiteKeys(fresh(), siteId('north'))
  await run('set', '--epsilon', '8', '--delta', '1e-4')
  approve('5')
  charge('5', 0, 3)
})
afterEach(() => {
  process.exitCode = undefined
  rmSync(root, { recursive: true })
})

const restore = (after: () => void): void => {
  const backup = join(root, 'backup')
  cpSync(site(), backup, { recursive: true, filter: (from) => !from.endsWith('volatile') })
  after()
  renameSync(site(), join(root, 'gone'))
  renameSync(backup, site())
}
const oneMoreStudy = () => {
  charge('5', 3, 9)
  approve('6')
}

test.each([['show'], ['verify'], ['set', '--epsilon', '9', '--delta', '1e-4']])(
  'R4 budget %s: without the volatile/ it was used with it says so, and what to do, until that is acknowledged',
  async (...command) => {
    expect((await run(...command)).code).toBe(0)
    restore(oneMoreStudy)
    for (let again = 0; again < 2; again++) {
      const answer = await run(...command)
      expect(answer).toMatchObject({ code: 6, out: '' })
      expect(answer.error).toMatch(/VOLATILE_LOST.*budget acknowledge-restored/s)
    }
    // Nothing is made in the place of what is lost, so that it would pass for it.
    expect(existsSync(join(site(), 'volatile'))).toBe(false)
    expect((await run('acknowledge-restored', '--yes')).code).toBe(0)
    // Figures may be read again; the directory takes no cap, study or charge any more.
    expect((await run(...command)).code).toBe(command[0] === 'set' ? 6 : 0)
  },
)

test('R4 ledger: while volatile/ is lost nothing is reserved, charged, revoked or capped, nor afterwards', () => {
  restore(oneMoreStudy)
  withLedger(site(), (ledger) => {
    const spend = [
      () => ledger.charge({ study: study('5'), round: roundIdOf(study('5'), 3, 0), query: 0, step: 3, attempt: 0 }),
      () => ledger.reserve(reservation('7')),
      // Revoked, it would not be charged to its end.
      () => ledger.revoke(study('5')),
      () => ledger.setCap({ epsilon: epsilon(9), delta: delta(1e-4) }),
    ]
    for (const each of [...spend, () => ledger.spent(), () => ledger.refuseRestored()]) expect(each).toThrow(lost)
    expect(ledger.acknowledgeRestored(() => undefined)).toMatchObject({
      isVolatileLost: true,
      studies: [{ here: 3, after: 10 }],
    })
    for (const each of spend) expect(each).toThrow(lost)
    expect(ledger.spent().studies[0]?.attempts).toEqual([{ reserved: 10, charged: 10 }])
    expect(ledger.verify().broken).toBeNull()
  })
})

test('R4 R17 budget adopt: such a directory is adopted only when it is acknowledged, charged to the end', async () => {
  restore(oneMoreStudy)
  const refused = await run('adopt', '--from', site(), '--data-dir', fresh())
  expect(refused.code).toBe(6)
  expect(refused.error).toMatch(
    /VOLATILE_LOST.*acknowledge-restored --data-dir .*--yes.*--study.*--acknowledge-restored/s,
  )
  expect(withLedger(fresh(), (ledger) => ledger.verify().entries)).toBe(0)
  const told = await run('acknowledge-restored')
  expect(told.out).toMatch(/without volatile\/.*study-5 .* here 3, .* will be 10/s)
  expect(told.out).toMatch(/studies approved after that backup are not in this copy.*--study STUDY.*lower the cap/s)
  expect((await run('adopt', '--from', site(), '--data-dir', fresh())).code).toBe(6)

  expect((await run('adopt', '--from', site(), '--acknowledge-restored', '--data-dir', fresh())).code).toBe(0)
  expect(counts(fresh())).toEqual([[10]])
  const last = withLedger(fresh(), (ledger) => [...ledger.history()].at(-1)?.content)
  expect(last).toMatchObject({ kind: 'acknowledged', accounts: [{ charged: [10] }] })
  expect((await run('verify', '--data-dir', fresh())).code).toBe(0)
})

test('R4 budget: a directory that adopted an acknowledged ledger is asked again when it loses its own volatile/', async () => {
  restore(oneMoreStudy)
  await run('adopt', '--from', site(), '--acknowledge-restored', '--data-dir', fresh())
  rmSync(join(fresh(), 'volatile'), { recursive: true })
  expect((await run('show', '--data-dir', fresh())).error).toMatch(/VOLATILE_LOST/)
  expect((await run('adopt', '--from', site(), '--data-dir', fresh())).error).toMatch(/VOLATILE_LOST|ALREADY_EXISTS/)
})

test.each([
  [
    'another directory’s volatile/',
    () => cpSync(join(fresh(), 'volatile'), join(site(), 'volatile'), { recursive: true }),
  ],
  ['an empty volatile/', () => mkdirSync(join(site(), 'volatile'))],
  [
    'no volatile.expected either, as in a copy of a version without it',
    () => rmSync(join(site(), 'volatile.expected')),
  ],
])('R4 ledger: %s is not the one it was used with', async (_, change) => {
  await run('set', '--epsilon', '1', '--delta', '1e-5', '--data-dir', fresh())
  restore(oneMoreStudy)
  change()
  // The anchor of another directory tells first.
  const told = expect.objectContaining({ code: expect.stringMatching(/^(VOLATILE_LOST|LEDGER_RESTORED)$/) })
  for (let again = 0; again < 2; again++)
    withLedger(site(), (ledger) => expect(() => ledger.refuseRestored()).toThrow(told))
})

test('R4 enrolment: a backup from before the first entry has the mark: put back later, it is no first use', async () => {
  const early = join(root, 'early')
  const program = new Command('site-agent')
  addEnrolmentCommands(program, { clock })
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  await runCommand(program, ['node', 'site-agent', 'init', '--name', 'north', '--data-dir', early])
  vi.restoreAllMocks()
  const backup = join(root, 'backup')
  cpSync(early, backup, { recursive: true, filter: (from) => !from.endsWith('volatile') })
  await run('set', '--epsilon', '8', '--delta', '1e-4', '--data-dir', early)
  withLedger(early, (ledger) => ledger.reserve(reservation('5')))
  renameSync(early, join(root, 'gone'))
  renameSync(backup, early)
  for (const args of [['show'], ['set', '--epsilon', '8', '--delta', '1e-4'], ['verify']])
    expect((await run(...args, '--data-dir', early)).error).toMatch(/VOLATILE_LOST/)
  expect(existsSync(join(early, 'volatile'))).toBe(false)
})

const anchorAgo = (entries: () => void): void => {
  const old = join(root, 'old-volatile')
  cpSync(join(site(), 'volatile'), old, { recursive: true })
  entries()
  rmSync(join(site(), 'volatile'), { recursive: true })
  renameSync(old, join(site(), 'volatile'))
}

test('R4 ledger: volatile/ that went back alone is told by its anchor, two entries old, and is lost for good', async () => {
  anchorAgo(() => charge('5', 3, 5))
  for (let again = 0; again < 2; again++) expect((await run('show')).error).toMatch(/VOLATILE_LOST/)
  expect(() => charge('5', 5, 6)).toThrow(lost)
  expect(() => requireVolatile(site())).toThrow(lost)
  expect((await run('acknowledge-restored', '--yes')).code).toBe(0)
  expect(counts(site())).toEqual([[10]])
  expect(() => approve('6')).toThrow(lost)
})

test('R4 ledger: an anchor that lacks one entry, or has none yet, is what a crash leaves', () => {
  anchorAgo(() => charge('5', 3, 4))
  charge('5', 4, 6)
  expect(counts(site())).toEqual([[6]])
  rmSync(join(site(), 'volatile', 'anchor.sqlite'))
  charge('5', 6, 7)
  expect(counts(site())).toEqual([[7]])
})

test('R4 ledger: whatever is written while others have not reached the anchor, it never lacks two entries', () => {
  const anchor = join(site(), 'volatile', 'anchor.sqlite')
  const raw = () => new DatabaseSync(anchor)
  const [first, second] = [openLedgerIn(site(), clock), openLedgerIn(site(), clock)]
  const attempt = (step: number) => ({
    study: study('5'),
    round: roundIdOf(study('5'), step, 0),
    query: 0,
    step,
    attempt: 0,
  })
  // The disk of volatile/ is full: what is committed before that is told stays, and nothing more is.
  const full = raw()
  full.exec("CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'full'); END")
  for (const [i, ledger] of [first, second, first, second].entries())
    expect(() => ledger.charge(attempt(3 + i))).toThrow()
  full.exec('DROP TRIGGER full')
  full.close()
  for (const ledger of [first, second]) ledger.close()
  expect(counts(site())).toEqual([[4]])
})

test('R4 planted: with the mark forged into a new volatile/ the old figures pass, so it is the mark that tells', async () => {
  restore(oneMoreStudy)
  mkdirSync(join(site(), 'volatile'))
  cpSync(join(site(), 'volatile.expected'), join(site(), 'volatile', 'id'))
  expect((await run('verify')).code).toBe(0)
  expect(counts(site())).toEqual([[3]])
  expect((await run('adopt', '--from', site(), '--data-dir', fresh())).code).toBe(0)
  expect(counts(fresh())).toEqual([[3]])
})

test('R4 ledger: an anchor that is found in the wrong volatile/ still tells what it knows', () => {
  restore(oneMoreStudy)
  cpSync(join(root, 'gone', 'volatile'), join(site(), 'volatile'), { recursive: true })
  writeFileSync(join(site(), 'volatile', 'id'), 'another\n')
  withLedger(site(), (ledger) => {
    const restoration = ledger.restoration(() => undefined)
    expect(restoration).toMatchObject({ missingEntries: 7, isVolatileLost: true })
    expect(restoration?.studies.map(({ name, after }) => [name, after])).toEqual([
      ['study-5', 10],
      ['study-6', 10],
    ])
  })
})

test('R4 R22 budget adopt: a holdout key that may have been made since is not silently made anew', async () => {
  restore(() => {
    approve('6', true)
    openHoldout(site(), true)
  })
  await run('adopt', '--from', site(), '--acknowledge-restored', '--data-dir', fresh())
  const isKnown = withLedger(fresh(), (ledger) => hasHeldOut(ledger))
  expect(isKnown).toBe(true)
  expect(() => openHoldout(fresh(), !isKnown)).toThrow(expect.objectContaining({ code: 'HOLDOUT_LOST' }))
  // An officer may say that there is none: then it is made when the ledger is carried over, once.
  const other = join(root, 'other')
  await createSiteKeys(other, siteId('north'))
  await run('adopt', '--from', site(), '--new-holdout-key', '--data-dir', other)
  expect(() => openHoldout(other, false)).not.toThrow()
})

test('R22 budget adopt: no new holdout key in the place of one that a study of this ledger was held out by', async () => {
  approve('6', true)
  expect((await run('adopt', '--from', site(), '--new-holdout-key', '--data-dir', fresh())).error).toMatch(
    /HOLDOUT_LOST/,
  )
  expect(readdirSync(fresh())).not.toContain('holdout-key')
})

test('budget set: what is no number is named by its option', async () => {
  for (const [given, option] of [
    [['--epsilon', 'abc', '--delta', '1e-4'], '--epsilon'],
    [['--epsilon', '', '--delta', '1e-4'], '--epsilon'],
    [['--epsilon', '8', '--delta', 'abc'], '--delta'],
    [['--epsilon', '8', '--delta', ''], '--delta'],
  ] as const) {
    const answer = JSON.parse((await run('set', ...given, '--json')).out)
    expect(answer).toMatchObject({ error_code: 'UNIT_OUT_OF_RANGE', place: { field: option } })
  }
})

test('holdout: copies of its secret that a kill left are removed when it is opened, and nothing else', () => {
  openHoldout(site(), true)
  const secret = readFileSync(join(site(), 'holdout-key'))
  const copy = join(site(), 'holdout-key.01234567-89ab-4cde-8f01-23456789abcd')
  for (const path of [copy, `${copy}.partial`, join(site(), 'holdout-key.old')]) writeFileSync(path, secret)
  openHoldout(site(), false)
  expect(
    readdirSync(site())
      .filter((name) => name.startsWith('holdout-key'))
      .sort(),
  ).toEqual(['holdout-key', 'holdout-key.old'])
})
