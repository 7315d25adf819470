import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { runCommand } from '@tributary/shared/cli/output'
import { siteId, studyId } from '@tributary/shared/ids'
import { delta, epsilon, noiseMultiplier, samplingRate } from '@tributary/shared/units'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { Command } from 'commander'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createSiteKeys } from '../enrolment/site-keys.ts'
import { addBudgetCommands } from './budget-commands.ts'
import { Ledger, type Reservation } from './ledger.ts'
import { openLedgerIn } from './ledger-folder.ts'

let folder: string
beforeEach(async () => {
  folder = join(mkdtempSync(join(tmpdir(), 'budget-')), 'site')
  await createSiteKeys(folder, siteId('north'))
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
  rmSync(join(folder, '..'), { recursive: true })
})

const clock = { now: () => 1_700_000_000_000, sleep: () => Promise.resolve() }
const path = () => join(folder, 'ledger.sqlite')

/** Exit code, stdout and stderr of one command line. */
const run = async (...args: string[]) => {
  const shown = { out: '', error: '' }
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    shown.out += String(text)
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    shown.error += String(text)
    return true
  })
  process.exitCode = 0
  const program = new Command('site-agent')
  addBudgetCommands(program, { clock })
  const at = args.includes('--data-dir') ? [] : ['--data-dir', folder]
  await runCommand(program, ['node', 'site-agent', 'budget', ...args, ...at])
  vi.restoreAllMocks()
  return { code: process.exitCode, ...shown }
}

const study = studyId('5'.repeat(64))
const spend = (price: Partial<Reservation> = {}) => {
  const ledger = openLedgerIn(folder, clock)
  const phase = { noiseMultiplier: noiseMultiplier(10), samplingRate: samplingRate(1), steps: 4 }
  ledger.reserve({
    study,
    name: 'ckd-2027',
    unit: 'patient',
    epsilon: epsilon(1),
    delta: delta(1e-5),
    distance: 0,
    phases: [phase],
    ...price,
  })
  ledger.charge({ study, round: roundIdOf(study, 0, 0), query: 0, step: 0, attempt: 0 })
  ledger.close()
}

test('budget: without a cap it says what to do; set, show, history and verify speak JSON', async () => {
  expect((await run('show')).out).toMatch(/no cap is set.*budget set --epsilon/)
  expect((await run('set', '--epsilon', '8', '--delta', '1e-4')).out).toMatch(
    /epsilon 8, delta 0.0001, by plain sums; 50 % before/,
  )
  spend()
  const shown = JSON.parse((await run('show', '--json')).out)
  expect(shown).toMatchObject({
    schema_version: 1,
    status: 'ok',
    data: {
      cap: { epsilon: 8, delta: 1e-4 },
      reserved: { epsilon: 1, delta: 1e-5 },
      studies: [
        { name: 'ckd-2027', reservedEpsilon: 1, attempts: [{ reserved: 4, charged: 1 }], odds: { before: 0.5 } },
      ],
    },
  })
  const [first] = shown.data.studies
  expect(first.epsilon).toBeGreaterThan(0.2)
  expect(first.odds.now).toBeCloseTo(1 / (1 + Math.exp(-first.epsilon)), 9)
  expect(first.odds.atMost).toBeCloseTo(0.731, 3)
  const history = JSON.parse((await run('history', '--json')).out).data
  expect(history.map(({ kind }: { kind: string }) => kind)).toEqual(['cap', 'reserve', 'charge'])
  expect(history[2]).toMatchObject({
    seq: 3,
    at: '2023-11-14T22:13:20.000Z',
    study,
    attempt: 0,
    previous: history[1].hash,
  })
  expect(JSON.parse((await run('verify', '--json')).out).data).toEqual({
    entries: 3,
    head: history[2].hash,
    sound: true,
  })
})

test('budget: for people, epsilon is told as odds', async () => {
  await run('set', '--epsilon', '8', '--delta', '1e-4')
  spend()
  const { out } = await run('show')
  expect(out).toMatch(/so far +epsilon 0\.\d+ at delta 0.00001; 50 % before -> at most 5\d % after/)
  expect(out).toMatch(/at most +epsilon 1; 50 % before -> at most 74 % after/)
  expect(out).toMatch(/attempts +1 of 4/)
  expect((await run('history')).out).toMatch(/seq +at +kind/)
})

test('budget: history shows a cap as it was given, and no price below what it is', async () => {
  await run('set', '--epsilon', '8.00000049', '--delta', '1.00000049e-4')
  spend({ epsilon: epsilon(1.00000049), delta: delta(1.00000049e-5) })
  const { out } = await run('history')
  const [names, cap, reserve] = out.split('\n').map((line) => line.split(/ {2,}/))
  const at = (row: string[] | undefined, name: string) => row?.[names?.indexOf(name) ?? -1]
  expect([at(cap, 'epsilon'), at(cap, 'delta')]).toEqual(['8.00000049', '0.000100000049'])
  expect([at(reserve, 'epsilon'), at(reserve, 'delta')]).toEqual(['1.00001', '0.0000100001'])
})

test('budget: a broken ledger is named by its entry, and a cap that is no number is refused', async () => {
  await run('set', '--epsilon', '8', '--delta', '1e-4')
  spend()
  const raw = new DatabaseSync(path())
  raw.exec('DROP TRIGGER entries_stay; UPDATE entries SET at = 0 WHERE seq = 2')
  raw.close()
  const verified = await run('verify', '--json')
  expect(verified.code).not.toBe(0)
  expect(JSON.parse(verified.out)).toMatchObject({ status: 'error', error_code: 'LEDGER_BROKEN', place: { line: 2 } })
  expect((await run('show')).error).toMatch(/LEDGER_REFUSED/)
  expect((await run('set', '--epsilon', 'lots', '--delta', '1e-4')).error).toMatch(/UNIT_OUT_OF_RANGE/)
})

test('R17 budget: a site that enrols anew carries its ledger over, whole, once, and only a sound one', async () => {
  const old = join(folder, '..', 'old')
  await run('set', '--epsilon', '3', '--delta', '1e-4')
  spend()
  renameSync(folder, old)
  await createSiteKeys(folder, siteId('north'))
  const head = Ledger.open(join(old, 'ledger.sqlite'), clock)
  const before = head.verify()
  head.close()
  expect((await run('adopt', '--from', join(folder, 'nowhere'), '--json')).out).toContain('NOT_FOUND')
  const adopted = await run('adopt', '--from', old, '--json')
  expect(JSON.parse(adopted.out).data).toMatchObject({
    entries: before.entries,
    head: before.head,
    reserved: { epsilon: 1 },
  })
  const ledger = Ledger.open(path(), clock)
  expect(ledger.verify()).toEqual(before)
  expect(ledger.spent().studies[0]).toMatchObject({ study, attempts: [{ charged: 1, reserved: 4 }] })
  ledger.close()
  expect((await run('adopt', '--from', old, '--json')).out).toContain('ALREADY_EXISTS')
  expect((await run('verify')).code).toBe(0)
})

test('R18 budget: the rule is chosen with the cap, both figures are shown, and another rule must fit what is reserved', async () => {
  expect((await run('set', '--epsilon', '8', '--delta', '1e-4', '--accounting', 'best')).error).toMatch(
    /ARGUMENT_INVALID/,
  )
  expect((await run('set', '--help')).out).toMatch(/--accounting.*Renyi filter at fixed orders/s)
  await run('set', '--epsilon', '8', '--delta', '1e-4')
  spend()
  const shown = JSON.parse((await run('show', '--json')).out).data
  expect(shown).toMatchObject({ accounting: 'sum', reserved: { epsilon: 1, delta: 1e-5 } })
  expect(shown.reserved.renyi).toBeGreaterThan(0.5)
  expect((await run('show')).out).toMatch(/\(sums\) {2}<- the cap is on this\n.*\(Renyi filter\)\n/)
  // Too small for what is reserved, by the other rule: the cap stays as it was.
  const refused = await run('set', '--epsilon', '0.5', '--delta', '1e-4', '--accounting', 'renyi')
  expect(refused.error).toMatch(/BUDGET_EXCEEDED.*Renyi/)
  expect((await run('set', '--epsilon', '8', '--delta', '1e-4', '--accounting', 'renyi')).code).toBe(0)
  expect((await run('show')).out).toMatch(/by the Renyi filter.*\(Renyi filter\) {2}<- the cap is on this\n/s)
  const history = JSON.parse((await run('history', '--json')).out).data
  expect(history.map(({ accounting }: { accounting?: string }) => accounting)).toEqual([
    'sum',
    undefined,
    undefined,
    'renyi',
  ])
})

test('R4 budget: a ledger put back alone is told by its anchor; acknowledged, all is charged again; --yes is wanted', async () => {
  await run('set', '--epsilon', '8', '--delta', '1e-4')
  const backup = readFileSync(path())
  expect((await run('acknowledge-restored', '--json')).out).toContain('NOT_FOUND')
  spend()
  expect((await run('verify')).code).toBe(0)
  const restore = () => {
    for (const end of ['-wal', '-shm']) rmSync(`${path()}${end}`, { force: true })
    writeFileSync(path(), backup)
  }
  restore()
  for (const command of ['show', 'verify', 'set']) {
    const args = command === 'set' ? ['--epsilon', '9', '--delta', '1e-4'] : []
    const answer = await run(command, ...args)
    expect([command, answer.code]).toEqual([command, 6])
    expect(answer.error).toMatch(/LEDGER_RESTORED.*acknowledge-restored/s)
  }
  const fresh = join(folder, '..', 'fresh')
  await createSiteKeys(fresh, siteId('north'))
  expect((await run('adopt', '--from', folder, '--data-dir', fresh)).error).toMatch(/LEDGER_RESTORED/)
  const asked = JSON.parse((await run('acknowledge-restored', '--json')).out).data
  expect(asked).toMatchObject({
    acknowledged: false,
    missingEntries: 2,
    isVolatileLost: false,
    studies: [{ study, name: 'ckd-2027', here: 0, anchored: 1, seen: null, after: 1 }],
  })
  expect((await run('show')).code).toBe(6)
  expect((await run('acknowledge-restored', '--yes')).out).toMatch(
    /here 0, by the anchor 1.*charged; next: site-agent run/s,
  )
  const { data } = JSON.parse((await run('show', '--json')).out)
  expect(data).toMatchObject({
    cap: { epsilon: 8 },
    reserved: { epsilon: 1 },
    studies: [{ attempts: [{ charged: 1 }] }],
  })
  expect((await run('verify')).code).toBe(0)
  expect((await run('history')).out).toMatch(/acknowledged/)
  // The copy is no less old the second time.
  restore()
  expect((await run('show')).code).toBe(6)
  rmSync(path())
  expect((await run('show')).error).toMatch(/ends at entry 0, 2 were written/)
  expect((await run('acknowledge-restored', '--yes')).code).toBe(0)
  expect(JSON.parse((await run('show', '--json')).out).data.studies).toMatchObject([{ attempts: [{ charged: 1 }] }])
})
