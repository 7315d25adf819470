import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { digest, roundId, siteId, studyId } from '@tributary/shared/ids'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PeerCounters } from './peer-counters.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'counters-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const opened = () => PeerCounters.open(join(folder, 'counters.db'))
const refused = expect.objectContaining({ code: 'COUNTER_REFUSED' })
const voice = (peer: string) => digest((peer === 'river' ? '1' : '2').repeat(64))
const seen = (counter: number, round: number, peer = 'river', study = 'a') => ({
  study: studyId(study.repeat(64)),
  peer: siteId(peer),
  voice: voice(peer),
  round: roundId(String(round).repeat(64)),
  counter,
  statement: { body: Uint8Array.of(counter, round), signature: new Uint8Array(64).fill(counter) },
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

test('R4 counters: of every peer the latest statement that was seen is kept, as it was signed, by study', () => {
  const counters = opened()
  expect(counters.own()).toBe(0)
  counters.observe(seen(5, 1), seen(2, 1, 'north'))
  counters.observe(seen(7, 2))
  counters.observe(seen(1, 1, 'river', 'b'))
  counters.nextOwn()
  counters.close()
  const again = opened()
  expect(again.own()).toBe(1)
  expect(again.seen(studyId('a'.repeat(64)), [])).toEqual([
    { site: 'north', ...seen(2, 1).statement },
    { site: 'river', ...seen(7, 2).statement },
  ])
  again.close()
})

test('R4 counters: the latest statement to any study is shown in every other one, to whoever speaks with that very key', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((each) => studyId(each.repeat(64)))
  const [river, north] = [voice('river'), voice('north')]
  const counters = opened()
  counters.observe(seen(5, 1), seen(2, 1, 'north'))
  counters.observe(seen(7, 2, 'river', 'b'))
  // Of another study, made before and announced after: the later one stays.
  counters.observe(seen(6, 3))
  counters.close()
  const again = opened()
  const told = (study: typeof a, voices = [north, river]) =>
    again.seen(study!, voices).map(({ site, body }) => [site, body[0]])
  expect(told(a)).toEqual([
    ['north', 2],
    ['river', 6],
    ['river', 7],
  ])
  expect(told(b)).toEqual([
    ['river', 7],
    ['north', 2],
  ])
  expect(told(c)).toEqual([
    ['north', 2],
    ['river', 7],
  ])
  // Enrolled anew under its old name: none of what it signs now is older than that.
  expect(told(c, [digest('3'.repeat(64))])).toEqual([])
  again.close()
})

test('R4 counters: in whatever order voices are asked for and contributions were seen, what is shown is the same', () => {
  const shown = ['river', 'north'].map((first, turn) => {
    const counters = PeerCounters.open(join(folder, `${first}.db`))
    for (const peer of [first, first === 'river' ? 'north' : 'river']) counters.observe(seen(7, 2, peer, 'b'))
    const voices = [voice('river'), voice('north')]
    const told = counters.seen(studyId('c'.repeat(64)), turn === 0 ? voices : voices.toReversed())
    counters.close()
    return told
  })
  expect(shown[0]?.map(({ site }) => site)).toEqual(['north', 'river'])
  expect(shown[1]).toEqual(shown[0])
})

test('counters: those of an earlier version are kept and compared, and shown once seen again', () => {
  const raw = new DatabaseSync(join(folder, 'counters.db'))
  raw.exec(`CREATE TABLE peers (study TEXT NOT NULL, peer TEXT NOT NULL, counter INTEGER NOT NULL, round TEXT NOT NULL,
      PRIMARY KEY (study, peer)) STRICT, WITHOUT ROWID;
    CREATE TABLE own (id INTEGER PRIMARY KEY CHECK (id = 1), counter INTEGER NOT NULL) STRICT;
    INSERT INTO own VALUES (1, 3);
    INSERT INTO peers VALUES ('${'a'.repeat(64)}', 'river', 5, '${'1'.repeat(64)}');
    PRAGMA user_version = 1`)
  raw.close()
  const counters = opened()
  expect([counters.own(), counters.seen(studyId('a'.repeat(64)), [])]).toEqual([3, []])
  expect(() => counters.observe(seen(4, 2))).toThrow(refused)
  counters.observe(seen(6, 2))
  expect(counters.seen(studyId('a'.repeat(64)), [])).toHaveLength(1)
  counters.close()
})
