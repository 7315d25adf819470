import { type Digest, digest, type RoundId, studyId } from '@tributary/shared/ids'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { expect, test } from 'vitest'
import { HeldShares } from './held-shares.ts'

const round = (step: number, attempt = 0): RoundId => roundIdOf(studyId('ab'.repeat(32)), step, attempt)
const shares = () => new Map<Digest, Uint8Array>([[digest('cd'.repeat(32)), Uint8Array.of(1, 2, 3)]])
const bytes = (held: Map<Digest, Uint8Array>) => [...held.values()].map((share) => [...share])

test('shares: those of attempts that are over become zeros, by step and by attempt; the others stay', () => {
  const held = new HeldShares()
  const [past, retried, open] = [shares(), shares(), shares()]
  held.put(round(3), { step: 3, attempt: 0, shares: past, isWhole: true })
  held.put(round(5), { step: 5, attempt: 0, shares: retried, isWhole: true })
  held.put(round(5, 1), { step: 5, attempt: 1, shares: open, isWhole: true })
  held.eraseWhere(({ step, attempt }) => step < 4 || (step === 5 && attempt < 1))
  expect([bytes(past), bytes(retried), bytes(open)]).toEqual([[[0, 0, 0]], [[0, 0, 0]], [[1, 2, 3]]])
  expect(held.get(round(5))).toBeUndefined()
  expect(held.get(round(5, 1))).toBe(open)
})

test('shares: with a refused box they are fetched again, and what they replace is overwritten', () => {
  const held = new HeldShares()
  const [partial, whole] = [shares(), shares()]
  held.put(round(0), { step: 0, attempt: 0, shares: partial, isWhole: false })
  expect(held.get(round(0))).toBeUndefined()
  held.put(round(0), { step: 0, attempt: 0, shares: whole, isWhole: true })
  expect(bytes(partial)).toEqual([[0, 0, 0]])
  expect(held.get(round(0))).toBe(whole)
})
