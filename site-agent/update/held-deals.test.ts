import { type Digest, digest, type RoundId, siteId, studyId } from '@tributary/shared/ids'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { expect, test } from 'vitest'
import { HeldDeals } from './held-deals.ts'
import type { ReceivedDeal } from './received-deals.ts'

const round = (step: number, attempt = 0): RoundId => roundIdOf(studyId('ab'.repeat(32)), step, attempt)
const deal: Digest = digest('cd'.repeat(32))
const opened = { dealer: siteId('ash'), deal, own: [] } as unknown as ReceivedDeal['opened']
const share = () => Uint8Array.of(1, 2, 3)
const held = (secret: Uint8Array, isWhole = true, at = { step: 0, attempt: 0 }) => ({
  ...at,
  deals: [{ opened, box: Uint8Array.of(9), isAsDealt: true, share: secret }],
  spoilt: [],
  isWhole,
})

test('shares: those of attempts that are over become zeros, by step and by attempt; the others stay', () => {
  const deals = new HeldDeals()
  const [past, retried, open] = [share(), share(), share()]
  deals.put(round(3), held(past, true, { step: 3, attempt: 0 }))
  deals.put(round(5), held(retried, true, { step: 5, attempt: 0 }))
  deals.put(round(5, 1), held(open, true, { step: 5, attempt: 1 }))
  deals.eraseWhere(({ step, attempt }) => step < 4 || (step === 5 && attempt < 1))
  expect([past, retried, open].map((each) => [...each])).toEqual([
    [0, 0, 0],
    [0, 0, 0],
    [1, 2, 3],
  ])
  expect(deals.get(round(5))).toBeUndefined()
  expect(deals.boxes(round(5))).toEqual([])
  expect(deals.get(round(5, 1))?.deals[0]?.share).toBe(open)
})

test('shares: with a refused box they are fetched again, and what they replace is overwritten', () => {
  const deals = new HeldDeals()
  const [partial, whole] = [share(), share()]
  deals.put(round(0), held(partial, false))
  expect(deals.get(round(0))).toBeUndefined()
  deals.put(round(0), held(whole))
  expect([...partial]).toEqual([0, 0, 0])
  expect(deals.get(round(0))?.deals[0]?.share).toBe(whole)
})

test('shares: once answered they are zeros and the boxes stay for a dispute', () => {
  const deals = new HeldDeals()
  const secret = share()
  deals.put(round(0), held(secret))
  deals.eraseShares(round(0))
  expect([...secret]).toEqual([0, 0, 0])
  expect(deals.get(round(0))).toBeUndefined()
  expect(deals.boxes(round(0))).toMatchObject([{ box: Uint8Array.of(9), share: null }])
})
