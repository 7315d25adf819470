import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { samplingRate } from '@tributary/shared/units'
import { expect, test } from 'vitest'
import { TapedStreams } from '../../test/harness/tape.ts'
import { manyUnits, recordsOf, six } from '../../test/harness/unit-records.ts'
import { EncodedRecords } from '../records/encoded-records.ts'
import { sampleAllRows, sampleOneRow } from './sample.ts'

const seeded = (seed: number) => new TapedStreams(seed).open

test('sample: every unit has its own coin at the plan’s rate, however many rows it has, and a drawn one gives one row', () => {
  const units = 20_000
  const rows = (unit: number) => (unit % 2 === 0 ? 1 : 3)
  const start = new Uint32Array(units + 1)
  for (let unit = 0; unit < units; unit++) start[unit + 1] = start[unit]! + rows(unit)
  const codes = new Uint16Array(2 * start[units]!)
  for (let unit = 0; unit < units; unit++)
    for (let row = start[unit]!; row < start[unit + 1]!; row++) codes.set([unit, row - start[unit]!], 2 * row)
  const records = new EncodedRecords(2, codes, start)
  const streams = osRandomStreams()
  const room = { units, rows: units }
  const sample = sampleOneRow(records, samplingRate(0.2), streams('sampling'), streams('record'), room)
  const { cells } = sample
  const places = [...sample.counts!.keys()].filter((place) => sample.counts![place] === 1)
  expect(places).toHaveLength(sample.drawn)
  const drawn = places.map((i) => [cells[2 * i]!, cells[2 * i + 1]!] as const)
  expect(new Set(drawn.map(([unit]) => unit)).size).toBe(drawn.length)
  for (const parity of [0, 1]) {
    const count = drawn.filter(([unit]) => unit % 2 === parity).length
    expect(Math.abs(count - 0.2 * (units / 2))).toBeLessThan(six(units / 2, 0.2))
  }
  const several = drawn.filter(([unit]) => unit % 2 === 1)
  for (const row of [0, 1, 2]) {
    const count = several.filter(([, which]) => which === row).length
    expect(Math.abs(count - several.length / 3)).toBeLessThan(six(several.length, 1 / 3))
  }
})

test('sample: which row a unit gives does not move the coins, and all rows of a drawn unit come together', () => {
  const records = recordsOf(manyUnits(200))
  const rate = samplingRate(0.3)
  const room = { units: 200, rows: 400 }
  const all = sampleAllRows(records, rate, seeded(1)('sampling'), room)
  expect(all.rowsPerUnit!.every((count) => count === 2)).toBe(true)
  for (const choices of [2, 3]) {
    const one = sampleOneRow(records, rate, seeded(1)('sampling'), seeded(choices)('record'), room)
    expect(one.drawn).toBe(all.drawn / 2)
    expect(one.rowsPerUnit).toBeNull()
  }
  const rows = new EncodedRecords(2, records.codes, null)
  const everyRow = { units: 400, rows: 400 }
  expect(sampleAllRows(rows, samplingRate(1), seeded(1)('sampling'), everyRow)).toEqual({
    cells: records.codes,
    drawn: 400,
    rowsPerUnit: null,
    counts: null,
  })
})

test('R15 sample: a patient more leaves everybody else in place, and places are random', () => {
  const rate = samplingRate(0.5)
  const unitsOf = (count: number) => Array.from({ length: count }, (_, i) => [[i + 1, 0]])
  const room = { units: 60, rows: 60 }
  const placed = (count: number, seed: number) => {
    const { cells, counts } = sampleOneRow(
      recordsOf(unitsOf(count)),
      rate,
      seeded(seed)('sampling'),
      seeded(seed)('record'),
      room,
    )
    return new Map([...counts!.keys()].filter((i) => counts![i] === 1).map((i) => [cells[2 * i]!, i]))
  }
  let [moved, seen] = [0, 0]
  for (let seed = 0; seed < 50; seed++) {
    const [without, withOne] = [placed(59, seed), placed(60, seed)]
    for (const [unit, place] of without) expect(withOne.get(unit)).toBe(place)
    // The order of places is not that of units.
    const places = [...without.entries()].toSorted(([a], [b]) => a - b).map(([, place]) => place)
    for (let i = 1; i < places.length; i++) moved += Number(places[i]! < places[i - 1]!)
    seen += places.length - 1
  }
  // As often before as behind the last one: about 1,450 times, seven deviations.
  expect(Math.abs(moved - seen / 2)).toBeLessThan(7 * Math.sqrt(seen / 4))
})

test('R10 sample: a batch has the size of its room; what does not fit is dropped, what is missing is padding', () => {
  const records = recordsOf(manyUnits(300))
  const rate = samplingRate(0.3)
  const whole = sampleOneRow(records, rate, seeded(1)('sampling'), seeded(2)('record'), { units: 300, rows: 300 })
  expect(
    whole.counts!.every((count, place) => count === 1 || whole.cells[2 * place]! + whole.cells[2 * place + 1]! === 0),
  ).toBe(true)
  for (const rows of [0, 1, whole.drawn - 1, whole.drawn, whole.drawn + 50]) {
    const one = sampleOneRow(records, rate, seeded(1)('sampling'), seeded(2)('record'), { units: 300, rows })
    expect(one.cells).toHaveLength(2 * rows)
    expect(one.drawn).toBe(Math.min(rows, whole.drawn))
    expect(one.counts!.reduce((sum, count) => sum + count, 0)).toBe(one.drawn)
  }
  const few = sampleAllRows(records, samplingRate(1), seeded(1)('sampling'), { units: 300, rows: 100 })
  expect([few.cells.length, few.drawn, few.rowsPerUnit!.reduce((sum, rows) => sum + rows, 0)]).toEqual([200, 100, 100])
})
