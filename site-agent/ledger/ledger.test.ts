import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { gaussianEpsilon } from '@tributary/shared/dp/gaussian'
import { type StudyId, studyId } from '@tributary/shared/ids'
import { delta, epsilon, noiseMultiplier, samplingRate } from '@tributary/shared/units'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { fc, test as property } from '@fast-check/vitest'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { contentBytes, entryHash, firstPrevious } from './entry.ts'
import { fixedDecimal } from './fixed-decimal.ts'
import { type Charge, Ledger, type Reservation } from './ledger.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

const path = () => join(folder, 'ledger.db')
const opened = (at = path(), anchor?: string) =>
  Ledger.open(at, { now: () => 1_700_000_000_000 }, anchor === undefined ? {} : { anchor })
const refused = expect.objectContaining({ code: 'LEDGER_REFUSED' })
const exceeded = expect.objectContaining({ code: 'BUDGET_EXCEEDED' })

const study = (n: number): StudyId => studyId(n.toString(16).padStart(64, '0'))
const phase = (steps: number, sigma = 10) => ({
  noiseMultiplier: noiseMultiplier(sigma),
  samplingRate: samplingRate(1),
  steps,
})
/** Two unsampled queries, of 2 and 4 attempts at sigma 10: epsilon 1.1 at delta 1e-5. */
const reservation = (n: number, overrides: Partial<Reservation> = {}): Reservation => ({
  study: study(n),
  name: `study-${n}`,
  unit: 'patient',
  epsilon: epsilon(1.1),
  delta: delta(1e-5),
  distance: 0,
  phases: [phase(2), phase(4)],
  ...overrides,
})
const charge = (n: number, query: number, step: number, attempt = 0): Charge => ({
  study: study(n),
  round: roundIdOf(study(n), step, attempt),
  query,
  step,
  attempt,
})
const charged = (ledger: Ledger) =>
  ledger.spent().studies.map(({ attempts }) => attempts.reduce((sum, attempt) => sum + attempt.charged, 0))
const ready = (at?: string): Ledger => {
  const ledger = opened(at)
  ledger.setCap({ epsilon: epsilon(3), delta: delta(1e-4) })
  ledger.reserve(reservation(1))
  return ledger
}

test('R6 ledger: every attempt is charged once, whatever became of it, and the same round never twice', () => {
  const ledger = ready()
  ledger.charge(charge(1, 0, 0))
  ledger.charge(charge(1, 0, 0))
  ledger.charge(charge(1, 0, 0, 1))
  expect(charged(ledger)).toEqual([2])
  expect(() => ledger.charge({ ...charge(1, 0, 0), query: 1 })).toThrow(refused)
  expect(() => ledger.charge(charge(1, 0, 0, 2))).toThrow(/all 2 attempts reserved for query 0/)
  ledger.charge(charge(1, 1, 1))
  expect(ledger.spent().studies[0]?.attempts).toEqual([
    { reserved: 2, charged: 2 },
    { reserved: 4, charged: 1 },
  ])
  ledger.close()
})

test('ledger: an attempt is refused without a reservation, after revoking, for no query, for a round of another attempt', () => {
  const ledger = ready()
  expect(() => ledger.charge(charge(2, 0, 0))).toThrow(refused)
  expect(() => ledger.charge(charge(1, 2, 0))).toThrow(refused)
  expect(() => ledger.charge({ ...charge(1, 0, 0), attempt: 1 })).toThrow(refused)
  ledger.revoke(study(1))
  expect(() => ledger.charge(charge(1, 0, 0))).toThrow(refused)
  expect(() => ledger.reserve(reservation(1))).toThrow(refused)
  const { entries } = ledger.verify()
  ledger.revoke(study(1))
  expect(ledger.verify().entries).toBe(entries)
  expect(() => ledger.revoke(study(2))).toThrow(refused)
  expect(ledger.spent().reserved.epsilon).toBe(1.1)
  ledger.close()
})

test('R18 ledger: the cap is on the plain sums of epsilon and of delta of all reserved studies, exactly', () => {
  const ledger = opened()
  expect(() => ledger.reserve(reservation(1))).toThrow(exceeded)
  ledger.setCap({ epsilon: epsilon(3.3), delta: delta(3e-5) })
  for (const n of [1, 2, 3]) ledger.reserve(reservation(n))
  expect(() => ledger.reserve(reservation(4, { phases: [phase(1, 1000)], epsilon: epsilon(1e-2) }))).toThrow(exceeded)
  ledger.setCap({ epsilon: epsilon(10), delta: delta(3e-5) })
  expect(() => ledger.reserve(reservation(4))).toThrow(/^delta /)
  ledger.setCap({ epsilon: epsilon(1), delta: delta(4e-5) })
  expect(() => ledger.reserve(reservation(4))).toThrow(/^epsilon /)
  ledger.setCap({ epsilon: epsilon(4.4), delta: delta(4e-5) })
  ledger.reserve(reservation(4))
  ledger.close()
})

test('R18 ledger: what a revoked study reserved is never given back', () => {
  const ledger = opened()
  ledger.setCap({ epsilon: epsilon(2), delta: delta(1e-4) })
  ledger.reserve(reservation(1))
  ledger.revoke(study(1))
  expect(() => ledger.reserve(reservation(2))).toThrow(exceeded)
  ledger.close()
})

test('ledger: reserving again at the same price changes nothing; another price, or one too low, is refused', () => {
  const ledger = ready()
  ledger.reserve(reservation(1))
  expect(ledger.verify().entries).toBe(2)
  expect(() => ledger.reserve(reservation(1, { epsilon: epsilon(1.2) }))).toThrow(refused)
  const priced = (kept: number) => gaussianEpsilon(noiseMultiplier(10 / Math.sqrt(6)), delta(1e-5 * (1 - kept)))
  // R20: some of delta is the sampler's; a price at the whole of it is too low.
  expect(() => ledger.reserve(reservation(2, { epsilon: epsilon(priced(0)) }))).toThrow(refused)
  const honest = priced(1 / 1024)
  // The more so where the sampler needs more: (1 + e^1.05) 4e-7 is some 15 % of delta.
  expect(() => ledger.reserve(reservation(2, { epsilon: epsilon(honest), distance: 4e-7 }))).toThrow(refused)
  ledger.reserve(reservation(2, { epsilon: epsilon(honest) }))
  expect(() => ledger.reserve(reservation(3, { epsilon: epsilon(0.99 * honest) }))).toThrow(refused)
  const group = [{ ...phase(6), recordsPerUnit: 3 }]
  expect(() => ledger.reserve(reservation(3, { phases: group }))).toThrow(refused)
  ledger.close()
})

test('ledger: epsilon so far is that of the charged attempts, and never above the reservation', () => {
  const ledger = ready()
  const soFar = () => ledger.spent().studies[0]!.epsilon
  expect(soFar()).toBe(0)
  let before = 0
  for (let step = 0; step < 6; step++) {
    ledger.charge(charge(1, step < 2 ? 0 : 1, step))
    const exact = gaussianEpsilon(noiseMultiplier(10 / Math.sqrt(step + 1)), delta(1e-5))
    expect(soFar()).toBeGreaterThanOrEqual(exact)
    expect(soFar()).toBeLessThan(exact * 1.001)
    expect(soFar()).toBeGreaterThan(before)
    before = soFar()
  }
  ledger.close()
})

test('ledger: two open handles see each other and cannot overspend together', () => {
  const one = ready()
  const other = opened()
  other.charge(charge(1, 0, 0))
  one.charge(charge(1, 0, 0))
  one.charge(charge(1, 0, 1))
  expect(() => other.charge(charge(1, 0, 2))).toThrow(refused)
  expect([charged(one), charged(other)]).toEqual([[2], [2]])
  one.close()
  other.close()
})

const program = `
  import { Ledger } from '${import.meta.dirname}/ledger.ts'
  import { roundIdOf } from '${import.meta.dirname}/../../shared/wire/round-id.ts'
  const [path, from, step] = process.argv.slice(1)
  const ledger = Ledger.open(path, { now: Date.now }, { anchor: path + '.anchor' })
  const study = '${study(1)}'
  for (let i = Number(from); i < 100; i += Number(step)) {
    try {
      ledger.charge({ study, round: roundIdOf(study, i, 0), query: 1, step: i, attempt: 0 })
      process.stdout.write(i + '\\n')
    } catch (error) {
      if (error.code !== 'LEDGER_REFUSED') throw error
    }
  }`

/** Reserves studies `from`, `from` + `step`, .. and charges each in turns, until `end`; a line for everything that returned. */
const approving = `
  import { Ledger } from '${import.meta.dirname}/ledger.ts'
  import { roundIdOf } from '${import.meta.dirname}/../../shared/wire/round-id.ts'
  const [path, from, step, reservation] = process.argv.slice(1)
  const ledger = Ledger.open(path, { now: Date.now }, { anchor: path + '.anchor' })
  const said = (...words) => process.stdout.write(words.join(' ') + '\\n')
  const tried = (work) => {
    try {
      work()
      return true
    } catch (error) {
      if (!['BUDGET_EXCEEDED', 'LEDGER_REFUSED'].includes(error.code)) throw error
      return false
    }
  }
  for (let n = Number(from); n < 24; n += Number(step)) {
    const study = n.toString(16).padStart(64, '0')
    if (tried(() => ledger.reserve({ ...JSON.parse(reservation), study }))) said('reserve', n)
    // Another process may be charging the same study: all together no more than is reserved.
    for (let other = 1; other <= n; other += 5) {
      const study = other.toString(16).padStart(64, '0')
      const round = roundIdOf(study, n, Number(from))
      if (tried(() => ledger.charge({ study, round, query: 0, step: n, attempt: Number(from) }))) said('charge', other, n)
    }
  }`

const running = (code: string, ...args: string[]) =>
  spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', code, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })

const spending = (...args: string[]) => running(program, ...args)

const acknowledged = async (child: ReturnType<typeof running>, onLine: (count: number) => void = () => {}) => {
  let count = 0
  for await (const line of createInterface({ input: child.stdout! })) if (line !== '') onLine(++count)
  return count
}

test('R6 ledger: two processes charging at once spend no more than is reserved, and every charge they saw is there', async () => {
  const ledger = opened()
  ledger.setCap({ epsilon: epsilon(10), delta: delta(1e-4) })
  ledger.reserve(reservation(1, { epsilon: epsilon(5), phases: [phase(1), phase(30)] }))
  const counts = await Promise.all(
    [spending(path(), '0', '2'), spending(path(), '1', '2')].map((child) => acknowledged(child)),
  )
  expect(counts[0]! + counts[1]!).toBe(30)
  expect(charged(ledger)).toEqual([30])
  expect(ledger.verify().broken).toBeNull()
  ledger.close()
})

test('R6 R18 ledger: processes that reserve and charge at once, one killed, stay within the cap and within what is reserved', async () => {
  const ledger = opened(path(), `${path()}.anchor`)
  ledger.setCap({ epsilon: epsilon(5.6), delta: delta(1e-3) })
  const facts = JSON.stringify(reservation(0))
  const lines: string[] = []
  const children = ['1', '2', '3'].map((from) => running(approving, path(), from, from === '3' ? '1' : '2', facts))
  await Promise.all(
    children.map(async (child, i) => {
      let said = 0
      for await (const line of createInterface({ input: child.stdout! })) {
        if (line !== '') lines.push(line)
        if (i === 0 && ++said === 3) child.kill('SIGKILL')
      }
    }),
  )
  // Nobody was turned away by the others' locks.
  await vi.waitFor(() => expect(children.map(({ exitCode }) => exitCode).slice(1)).toEqual([0, 0]))
  const { reserved, studies } = ledger.spent()
  // Five times 1.1 fits into 5.6, whoever came first.
  expect(studies).toHaveLength(5)
  expect(reserved.epsilon).toBeLessThanOrEqual(5.6)
  for (const { attempts } of studies)
    for (const each of attempts) expect(each.charged).toBeLessThanOrEqual(each.reserved)
  const names = new Set(studies.map((each) => each.study))
  const charges = [...ledger.history()].flatMap(({ content }) => (content.kind === 'charge' ? [content] : []))
  for (const line of lines) {
    const [what, n, step] = line.split(' ')
    expect(names).toContain(study(Number(n)))
    if (what === 'charge')
      expect(charges.some((each) => each.study === study(Number(n)) && each.step === Number(step))).toBe(true)
  }
  expect(lines.length).toBeGreaterThan(10)
  expect(ledger.verify().broken).toBeNull()
  // The anchor is no false witness, whoever wrote it last.
  expect(() => ledger.refuseRestored()).not.toThrow()
  ledger.close()
})

test('R6 ledger: kill -9 loses no acknowledged charge and invents at most one', async () => {
  const ledger = opened()
  ledger.setCap({ epsilon: epsilon(50), delta: delta(1e-4) })
  ledger.reserve(reservation(1, { epsilon: epsilon(40), phases: [phase(1), phase(1000)] }))
  ledger.close()
  const child = spending(path(), '0', '1')
  const count = await acknowledged(child, (lines) => {
    if (lines === 20) child.kill('SIGKILL')
  })
  const again = opened()
  expect(again.verify().broken).toBeNull()
  expect(count).toBeGreaterThanOrEqual(20)
  expect(charged(again)[0]).toBeGreaterThanOrEqual(count)
  expect(charged(again)[0]).toBeLessThanOrEqual(count + 1)
  again.close()
})

const tampered = (sql: string): Ledger => {
  const ledger = ready()
  for (let step = 0; step < 4; step++) ledger.charge(charge(1, step < 2 ? 0 : 1, step))
  ledger.close()
  const raw = new DatabaseSync(path())
  raw.exec(`DROP TRIGGER entries_stay; DROP TRIGGER entries_remain; ${sql}`)
  raw.close()
  return opened()
}

test.for([
  [
    'its content was changed',
    4,
    'UPDATE entries SET content = (SELECT content FROM entries WHERE seq = 5) WHERE seq = 4',
  ],
  ['its content was changed', 4, 'UPDATE entries SET at = at + 1 WHERE seq = 4'],
  ['it is missing', 4, 'DELETE FROM entries WHERE seq = 4'],
  ['missing, although 6 entries were written', 6, 'DELETE FROM entries WHERE seq = 6'],
  ['it does not follow the entry before it', 4, 'UPDATE entries SET previous = hash WHERE seq = 4'],
  ['it cannot be read', 2, "UPDATE entries SET content = x'a0' WHERE seq = 2"],
] as const)('ledger: verify says "%s" at entry %i, and nothing is charged any more', ([reason, seq, sql]) => {
  const ledger = tampered(sql)
  expect(ledger.verify().broken).toEqual({ seq, reason })
  expect(() => ledger.charge(charge(1, 1, 9))).toThrow(refused)
  expect(() => ledger.setCap({ epsilon: epsilon(3), delta: delta(1e-4) })).toThrow(refused)
  expect(() => ledger.spent()).toThrow(refused)
  ledger.close()
})

test('ledger: history is the chain, and verify returns its head', () => {
  const ledger = ready()
  for (let step = 0; step < 2; step++) ledger.charge(charge(1, 0, step))
  const entries = [...ledger.history()]
  expect(entries.map(({ content }) => content.kind)).toEqual(['cap', 'reserve', 'charge', 'charge'])
  expect(entries[0]).toMatchObject({ seq: 1, at: 1_700_000_000_000, previous: '0'.repeat(64) })
  expect(entries.slice(1).map(({ previous }) => previous)).toEqual(entries.slice(0, -1).map(({ hash }) => hash))
  expect(ledger.verify()).toEqual({ entries: 4, head: entries[3]!.hash, broken: null })
  ledger.close()
})

test('ledger: a forged entry with a sound hash but a charge too many is broken where the rule breaks', () => {
  const ledger = ready()
  for (let step = 0; step < 2; step++) ledger.charge(charge(1, 0, step))
  const { head } = ledger.verify()
  const forged = contentBytes({ kind: 'charge', ...charge(1, 0, 2) })
  const raw = new DatabaseSync(path())
  raw.prepare('INSERT INTO entries VALUES (5, 0, ?, ?, ?)').run(forged, head, entryHash(head, 5, 0, forged))
  raw.close()
  expect(() => ledger.charge(charge(1, 1, 9))).toThrow(refused)
  expect(ledger.verify().broken).toEqual({ seq: 5, reason: 'all 2 attempts reserved for query 0 are charged' })
  ledger.close()
})

test('ledger: entries cannot be changed or removed through its own file, and commits reach the disk', () => {
  const exec = vi.spyOn(DatabaseSync.prototype, 'exec')
  const ledger = ready()
  expect(exec.mock.calls.flat()).toContain('PRAGMA synchronous = EXTRA')
  const raw = new DatabaseSync(path())
  expect(() => raw.exec('UPDATE entries SET at = 0')).toThrow('append-only')
  expect(() => raw.exec('DELETE FROM entries')).toThrow('append-only')
  raw.close()
  ledger.close()
})

property.prop(
  [
    fc.array(
      fc.record({
        study: fc.integer({ min: 1, max: 3 }),
        query: fc.integer({ min: 0, max: 1 }),
        step: fc.nat(5),
        reopen: fc.boolean(),
      }),
      { maxLength: 30 },
    ),
  ],
  { numRuns: 10 },
)('R6 ledger: spending only ever grows, over any order of charges, refusals and restarts', (script) => {
  rmSync(folder, { recursive: true })
  let ledger = ready()
  ledger.reserve(reservation(2))
  const accepted = new Map<string, number>()
  for (const { study: n, query, step, reopen } of script) {
    const before = charged(ledger)
    try {
      ledger.charge(charge(n, query, step))
      const key = `${n} ${step}`
      expect(accepted.get(key) ?? query).toBe(query)
      accepted.set(key, query)
    } catch (error) {
      expect(error).toEqual(refused)
    }
    if (reopen) {
      ledger.close()
      ledger = opened()
    }
    charged(ledger).forEach((sum, i) => expect(sum).toBeGreaterThanOrEqual(before[i]!))
  }
  expect(charged(ledger).reduce((sum, count) => sum + count, 0)).toBe(accepted.size)
  expect(ledger.verify().broken).toBeNull()
  ledger.close()
})

test('ledger: sums are decimal: 0.1 + 0.2 meets 0.3, and what a double cannot hold is rounded against the spender', () => {
  expect(fixedDecimal(0.1, 'up') + fixedDecimal(0.2, 'up')).toBe(fixedDecimal(0.3, 'down'))
  expect(fixedDecimal(1e-5, 'up') * 3n).toBe(fixedDecimal(3e-5, 'down'))
  expect(fixedDecimal(12.5e3, 'up')).toBe(12_500n * 10n ** 30n)
  expect(fixedDecimal(1e21, 'up')).toBe(10n ** 51n)
  expect([fixedDecimal(1e-40, 'up'), fixedDecimal(1e-40, 'down')]).toEqual([1n, 0n])
})

const renyi = (most: number) => ({ epsilon: epsilon(most), delta: delta(1e-4), accounting: 'renyi' as const })

test('R18 ledger: under the Renyi rule many like studies fit where their sums do not, and no more than fit', () => {
  const ledger = opened()
  ledger.setCap(renyi(3))
  const most = 40
  let admitted = 0
  try {
    for (; admitted < most; admitted++) ledger.reserve(reservation(admitted + 1))
  } catch (error) {
    expect(error).toEqual(exceeded)
  }
  const { reserved, accounting } = ledger.spent()
  expect(accounting).toBe('renyi')
  expect(reserved.epsilon).toBeGreaterThan(3)
  expect(reserved.renyi).toBeLessThanOrEqual(3)
  // Exact for Gaussian releases: all attempts of all studies are one.
  const exact = (studies: number) => gaussianEpsilon(noiseMultiplier(10 / Math.sqrt(6 * studies)), delta(1e-4))
  expect(exact(admitted)).toBeLessThanOrEqual(3)
  expect(admitted).toBeGreaterThan(3)
  expect(exact(2 * admitted)).toBeGreaterThan(3)
  expect(ledger.verify().broken).toBeNull()
  ledger.close()
})

test('R18 ledger: the rule is an entry; another one must fit what is reserved; entries from before the choice mean sums', () => {
  const ledger = ready()
  for (const n of [2, 3]) {
    ledger.setCap({ epsilon: epsilon(1.1 * n), delta: delta(1e-4) })
    ledger.reserve(reservation(n))
  }
  expect(() => ledger.setCap(renyi(1))).toThrow(exceeded)
  expect(ledger.spent().accounting).toBe('sum')
  ledger.setCap(renyi(2.5))
  ledger.reserve(reservation(4))
  // Back: their sum of 4.4 is above 3, within 5.
  expect(() => ledger.setCap({ epsilon: epsilon(3), delta: delta(1e-4), accounting: 'sum' })).toThrow(exceeded)
  ledger.setCap({ epsilon: epsilon(5), delta: delta(1e-4), accounting: 'sum' })
  ledger.close()
  // Written by a version without the choice.
  const old = Ledger.open(join(folder, 'old.db'), { now: () => 0 })
  const content = contentBytes({ kind: 'cap', epsilon: epsilon(3), delta: delta(1e-4) })
  const raw = new DatabaseSync(join(folder, 'old.db'))
  const hash = entryHash(firstPrevious, 1, 0, content)
  raw.prepare('INSERT INTO entries VALUES (1, 0, ?, ?, ?)').run(content, firstPrevious, hash)
  raw.exec('UPDATE head SET seq = 1')
  raw.close()
  expect(old.verify()).toEqual({ entries: 1, head: hash, broken: null })
  expect(old.spent()).toMatchObject({ accounting: 'sum', cap: { epsilon: 3 } })
  old.reserve(reservation(1))
  old.close()
})

test('R4 ledger: entries that only the anchor has and entries that only the file has are all counted, under any cap', () => {
  const anchor = join(folder, 'anchor.db')
  const ledger = opened(path(), anchor)
  ledger.setCap({ epsilon: epsilon(3), delta: delta(1e-4) })
  ledger.reserve(reservation(1))
  ledger.charge(charge(1, 0, 0))
  ledger.close()
  cpSync(path(), join(folder, 'backup.db'))
  const later = opened(path(), anchor)
  later.charge(charge(1, 1, 1))
  later.setCap({ epsilon: epsilon(2.3), delta: delta(1e-4) })
  later.reserve(reservation(2))
  later.charge(charge(2, 0, 0))
  later.close()
  // Put back, and used by a version that knew no anchor.
  cpSync(join(folder, 'backup.db'), path())
  const blind = opened()
  blind.charge(charge(1, 1, 2))
  blind.charge(charge(1, 1, 3))
  blind.close()
  const restored = opened(path(), anchor)
  const stopped = expect.objectContaining({ code: 'LEDGER_RESTORED' })
  for (const spend of [
    () => restored.charge(charge(1, 1, 4)),
    () => restored.reserve(reservation(3)),
    () => restored.setCap({ epsilon: epsilon(9), delta: delta(1e-4) }),
    () => restored.spent(),
  ])
    expect(spend).toThrow(stopped)
  const restoration = restored.acknowledgeRestored(() => undefined)
  expect(restoration).toMatchObject({ missingEntries: 4, isVolatileLost: false })
  expect(restored.spent()).toMatchObject({
    cap: { epsilon: 2.3 },
    studies: [{ attempts: [{ charged: 1 }, { charged: 3 }] }, { attempts: [{ charged: 1 }, { charged: 0 }] }],
  })
  restored.charge(charge(1, 1, 5))
  expect(restored.verify().broken).toBeNull()
  restored.close()
  const again = opened(path(), anchor)
  expect(() => again.refuseRestored()).not.toThrow()
  again.close()
})

test('R4 ledger: an acknowledgement takes nothing off and charges no more than is reserved', () => {
  const ledger = ready()
  for (const step of [0, 1]) ledger.charge(charge(1, 0, step))
  const { head, entries } = ledger.verify()
  ledger.close()
  for (const counts of [[1, 0], [2, 5], [2]]) {
    const accounts = [{ ...reservation(1), charged: counts, revoked: false }]
    const forged = contentBytes({ kind: 'acknowledged', cap: null, accounts })
    const copy = join(folder, `${counts}.db`)
    cpSync(path(), copy)
    const raw = new DatabaseSync(copy)
    raw
      .prepare('INSERT INTO entries VALUES (?, 0, ?, ?, ?)')
      .run(entries + 1, forged, head, entryHash(head, entries + 1, 0, forged))
    raw.close()
    const opens = opened(copy)
    expect(opens.verify().broken).toMatchObject({ seq: entries + 1 })
    opens.close()
  }
})
