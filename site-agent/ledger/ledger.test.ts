import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gaussianEpsilon } from '@tributary/shared/dp/gaussian'
import { delta, epsilon, noiseMultiplier } from '@tributary/shared/units'
import { fc, test as property } from '@fast-check/vitest'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  charge,
  charged,
  openedLedger,
  phase,
  readyLedger,
  reservation,
  study,
} from '../../test/harness/small-ledger.ts'
import { contentBytes, entryHash } from './entry.ts'
import { fixedDecimal } from './fixed-decimal.ts'
import type { Ledger } from './ledger.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

const path = () => join(folder, 'ledger.db')
const opened = (at = path(), anchor?: string) => openedLedger(at, anchor)
const refused = expect.objectContaining({ code: 'LEDGER_REFUSED' })
const exceeded = expect.objectContaining({ code: 'BUDGET_EXCEEDED' })
const ready = () => readyLedger(path())

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
