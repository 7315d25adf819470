import { DatabaseSync } from 'node:sqlite'
import { gaussianEpsilon } from '@tributary/shared/dp/gaussian'
import { renyiEpsilon } from '@tributary/shared/dp/renyi-filter'
import { delta, epsilon, noiseMultiplier } from '@tributary/shared/units'
import { expect, test } from 'vitest'
import { ledgerFolder, openedLedger, readyLedger, reservation } from '../../test/harness/small-ledger.ts'
import { contentBytes, entryHash, firstPrevious } from './entry.ts'
import { Ledger } from './ledger.ts'

const inFolder = ledgerFolder()
const path = () => inFolder('ledger.db')
const opened = (at = path(), anchor?: string) => openedLedger(at, anchor)
const exceeded = expect.objectContaining({ code: 'BUDGET_EXCEEDED' })
const ready = () => readyLedger(path())

const told = (work: () => void): string => {
  try {
    work()
    return ''
  } catch (thrown) {
    expect(thrown).toEqual(exceeded)
    return (thrown as Error).message
  }
}
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

test('R18 ledger: what exceeds a cap is printed no lower than it is, and above the cap, however close', () => {
  const ledger = ready()
  const refused = (most: number, accounting: 'sum' | 'renyi') => {
    const change = () => {
      ledger.setCap({ ...renyi(most), accounting })
      ledger.reserve(reservation(2))
    }
    const [, shown, cap] = /^epsilon (\S+) of all .* exceeds the cap of (\S+)$/.exec(told(change)) ?? []
    expect(Number(cap)).toBe(most)
    return Number(shown)
  }
  for (const most of [0.3, 0.45, 0.6, 0.75])
    expect(refused(most, 'renyi')).toBeGreaterThanOrEqual(renyiEpsilon([reservation(1)], renyi(most)))
  expect(refused(2.2 - 1e-9, 'sum')).toBe(2.2)
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
  const old = Ledger.open(inFolder('old.db'), { now: () => 0 })
  const content = contentBytes({ kind: 'cap', epsilon: epsilon(3), delta: delta(1e-4) })
  const raw = new DatabaseSync(inFolder('old.db'))
  const hash = entryHash(firstPrevious, 1, 0, content)
  raw.prepare('INSERT INTO entries VALUES (1, 0, ?, ?, ?)').run(content, firstPrevious, hash)
  raw.exec('UPDATE head SET seq = 1')
  raw.close()
  expect(old.verify()).toEqual({ entries: 1, head: hash, broken: null })
  expect(old.spent()).toMatchObject({ accounting: 'sum', cap: { epsilon: 3 } })
  old.reserve(reservation(1))
  old.close()
})
