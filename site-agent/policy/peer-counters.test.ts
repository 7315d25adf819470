import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { roundId, siteId, studyId } from '@tributary/shared/ids'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PeerCounters } from './peer-counters.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'counters-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const opened = () => PeerCounters.open(join(folder, 'counters.db'))
const refused = expect.objectContaining({ code: 'COUNTER_REFUSED' })
const seen = (counter: number, round: number, peer = 'river', study = 'a') => ({
  study: studyId(study.repeat(64)),
  peer: siteId(peer),
  round: roundId(String(round).repeat(64)),
  counter,
})

test('R4 counters: a peer that went back, or serves two rounds with one counter, is refused, also after a restart', () => {
  const counters = opened()
  counters.observe(seen(5, 1))
  counters.observe(seen(5, 1))
  counters.observe(seen(7, 2))
  expect(() => counters.observe(seen(6, 3))).toThrow(refused)
  expect(() => counters.observe(seen(7, 3))).toThrow(refused)
  counters.close()
  const again = opened()
  expect(() => again.observe(seen(5, 1))).toThrow(refused)
  again.observe(seen(8, 3))
  again.close()
})

test('R4 counters: one refused peer leaves the whole announced set unremembered; studies and peers do not mix', () => {
  const counters = opened()
  counters.observe(seen(5, 1), seen(5, 1, 'north'))
  expect(() => counters.observe(seen(9, 2, 'north'), seen(4, 2))).toThrow(/river went back/)
  counters.observe(seen(6, 2, 'north'), seen(6, 2))
  counters.observe(seen(1, 1, 'river', 'b'))
  counters.close()
})

test('R4 counters: its own counter only grows, over restarts and two open handles', () => {
  const counters = opened()
  const other = opened()
  expect([counters.nextOwn(), other.nextOwn(), counters.nextOwn()]).toEqual([1, 2, 3])
  counters.close()
  other.close()
  const again = opened()
  expect(again.nextOwn()).toBe(4)
  again.close()
})

test('counters: zero is no counter', () => {
  const counters = opened()
  expect(() => counters.observe(seen(0, 1))).toThrow(expect.objectContaining({ code: 'UNIT_OUT_OF_RANGE' }))
  counters.close()
})
