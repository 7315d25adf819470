import { cpSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type StudyId, siteId } from '@tributary/shared/ids'
import { delta, epsilon } from '@tributary/shared/units'
import { expect, test } from 'vitest'
import {
  charge,
  charged,
  ledgerFolder,
  openedLedger,
  readyLedger,
  reservation,
} from '../../test/harness/small-ledger.ts'
import { contentBytes, entryHash } from './entry.ts'

const inFolder = ledgerFolder()
const path = () => inFolder('ledger.db')
const opened = (at = path(), anchor?: string) => openedLedger(at, anchor)
const ready = () => readyLedger(path())

test('R4 ledger: entries that only the anchor has and entries that only the file has are all counted, under any cap', () => {
  const anchor = inFolder('anchor.db')
  const ledger = opened(path(), anchor)
  ledger.setCap({ epsilon: epsilon(3), delta: delta(1e-4) })
  ledger.reserve(reservation(1))
  ledger.charge(charge(1, 0, 0))
  ledger.close()
  cpSync(path(), inFolder('backup.db'))
  const later = opened(path(), anchor)
  later.charge(charge(1, 1, 1))
  later.setCap({ epsilon: epsilon(2.3), delta: delta(1e-4) })
  later.reserve(reservation(2))
  later.charge(charge(2, 0, 0))
  later.close()
  // Put back, and used by a version that knew no anchor.
  cpSync(inFolder('backup.db'), path())
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
    const copy = inFolder(`${counts}.db`)
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

test('R4 ledger: nothing is revoked before what peers hold is acknowledged: it would not be charged to its end', () => {
  const ledger = ready()
  const { study, round } = charge(1, 0, 0)
  const peer = siteId('river')
  ledger.noteRestored({ study, round, peer, step: 0, attempt: 0, charged: 1, counter: 9, lost: 'both' })
  expect(() => ledger.revoke(study)).toThrow(expect.objectContaining({ code: 'LEDGER_RESTORED' }))
  ledger.acknowledgeRestored(() => undefined)
  expect(ledger.spent().studies[0]?.attempts).toEqual([
    { reserved: 2, charged: 2 },
    { reserved: 4, charged: 4 },
  ])
  ledger.revoke(study)
  ledger.close()
})

test('R4 ledger: studies that an officer names are charged to their end; one whose plan is not known stops it', () => {
  const anchor = inFolder('anchor.db')
  const ledger = opened(path(), anchor)
  ledger.setCap({ epsilon: epsilon(9), delta: delta(1e-4) })
  ledger.close()
  cpSync(path(), inFolder('backup.db'))
  const later = opened(path(), anchor)
  later.reserve(reservation(1))
  later.close()
  cpSync(inFolder('backup.db'), path())
  const restored = opened(path(), anchor)
  const named = [2, 3].map((n) => reservation(n).study)
  const priceOf = (n: number) => (study: StudyId) => (study === reservation(n).study ? reservation(n) : undefined)
  expect(() => restored.acknowledgeRestored(priceOf(2), named)).toThrow(/plans are not known here: 000000000000/)
  restored.acknowledgeRestored(priceOf(2), named.slice(0, 1))
  expect(charged(restored).toSorted((a, b) => a - b)).toEqual([0, 6])
  restored.close()
})
