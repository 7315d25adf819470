import { createCipheriv, createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import type { RandomPurpose, RandomStreams } from '@tributary/shared/ports'
import { freezeStudy, type Manifest, parseStudy } from '@tributary/shared/study/manifest'
import { networkOfStudy } from '@tributary/shared/study/network'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { type Engine, loadEngine } from '@tributary/shared/tensor/engine'
import { samplingRate } from '@tributary/shared/units'
import { fc, test as property } from '@fast-check/vitest'
import { beforeAll, expect, test } from 'vitest'
import { EncodedRecords } from '../records/encoded-records.ts'
import { integersOf } from './contribution.ts'
import { executeQuery, type QueryExecution } from './plan.ts'
import { sampleAllRows, sampleOneRow } from './sample.ts'

/** Repeats: one keystream per seed and purpose. Tests alone have such a thing. */
const seeded =
  (seed: number): RandomStreams =>
  (purpose: RandomPurpose) => {
    const key = createHash('sha256').update(`${seed} ${purpose}`).digest()
    const cipher = createCipheriv('aes-256-ctr', key, new Uint8Array(16))
    return { fill: (bytes) => bytes.set(cipher.update(new Uint8Array(bytes.length))) }
  }

const study = `
tributary: study/1
name: tiny
purpose: test
source: { format: csv }
columns:
  - { name: sex, kind: categorical, levels: [F, M] }
  - { name: age, kind: numeric, bins: [0, 30, 60], maximum: 120, integer: true, missing: level }
privacy: { unit: patient, patient_key: who, epsilon: 3, delta: 1.0e-5 }
family: { name: autoregressive, hidden: 4, steps: 4, sampling_rate: 0.2, spares: { marginals: 1, gradient: 1 } }
sites:
  - { name: north, promised_patients: 1000, promised_rows: 2000 }
  - { name: south, promised_patients: 1000, promised_rows: 2000 }
  - { name: west, promised_patients: 1000, promised_rows: 2000 }
`
let engine: Engine
let manifest: Manifest
let weights: Float32Array
beforeAll(async () => {
  engine = await loadEngine({ prefer: 'cpu' })
  manifest = freezeStudy(parseStudy(study, 'tiny.yaml').draft)
  const { dimension } = networkOfStudy(manifest)
  weights = Float32Array.from({ length: dimension }, (_, i) => Math.sin(i + 1))
})

/** Units as lists of rows. */
const recordsOf = (units: readonly (readonly (readonly number[])[])[]): EncodedRecords => {
  const start = Uint32Array.from([0, ...units.map(({ length }) => length)])
  for (let i = 1; i < start.length; i++) start[i]! += start[i - 1]!
  return new EncodedRecords(2, Uint16Array.from(units.flat(2)), start)
}
const manyUnits = (count: number) =>
  Array.from({ length: count }, (_, i) => [
    [i % 2, i % 4],
    [1, (i * 7) % 4],
  ])
const execution = (overrides: Partial<QueryExecution> = {}): QueryExecution => ({
  manifest,
  site: 'north',
  queryIndex: 1,
  records: recordsOf(manyUnits(50)),
  parameters: weights,
  engine,
  streams: seeded(1),
  ...overrides,
})
const run = async (overrides: Partial<QueryExecution> = {}) => integersOf(await executeQuery(execution(overrides)))
const norm = (vector: Float64Array) => Math.hypot(...vector)
/** Six standard deviations: a false alarm in 10^9 runs. */
const six = (count: number, rate: number) => 6 * Math.sqrt(count * rate * (1 - rate))

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

const row = fc.tuple(fc.nat(1), fc.nat(3))
const unit = fc.array(row, { minLength: 1, maxLength: 40 })
property.prop([fc.array(unit, { maxLength: 12 }), unit, fc.nat(), fc.nat(1)], { numRuns: 60 })(
  'plan: one more patient, with any number of rows, moves the integers by at most the clip norm and the rounding',
  async (units, added, seed, queryIndex) => {
    const query = queriesOf(manifest.plan)[queryIndex]!
    const streams = seeded(seed)
    const without = await run({ records: recordsOf(units), queryIndex, streams })
    const withOne = await run({ records: recordsOf([...units, added]), queryIndex, streams })
    const moved = norm(withOne.map((value, i) => value - without[i]!))
    // The clip norm and a fine step a coordinate in wire steps, and what folding adds: less than one more a coordinate.
    const declared = query.clipNorm / query.grid.step + Math.sqrt(query.dimension)
    expect(moved).toBeLessThanOrEqual(declared / 2 ** query.grid.foldBits + Math.sqrt(query.dimension))
  },
)

test('plan: the marginals that come out are the patients’ mean rows plus noise', async () => {
  const integers = await run({ queryIndex: 0, records: recordsOf(manyUnits(4000)), streams: osRandomStreams() })
  const { step, shareSteps } = queriesOf(manifest.plan)[0]!.grid
  // Half of the first rows and no second row is F; ages of the two rows are i and 7 i modulo 4.
  const expected = [1000, 3000, 1000, 1000, 1000, 1000]
  expect(integers).toHaveLength(expected.length)
  integers.forEach((value, i) => expect(Math.abs(value * step - expected[i]!)).toBeLessThan(7 * shareSteps * step + 1))
})

test('plan: a table without rows contributes noise like any other', async () => {
  for (const queryIndex of [0, 1]) {
    const integers = await run({ queryIndex, records: recordsOf([]), streams: osRandomStreams() })
    expect(integers.some((value) => value !== 0)).toBe(true)
  }
})

test('R5 plan: a retry has fresh coins, rows, rounding and noise; each comes from a stream of its own', async () => {
  const purposes: string[] = []
  const streams: RandomStreams = (purpose) => {
    purposes.push(purpose)
    return osRandomStreams()(purpose)
  }
  const first = await run({ streams })
  const second = await run({ streams })
  expect(purposes).toEqual([...Array(2)].flatMap(() => ['sampling', 'record', 'rounding', 'noise']))
  expect(first.filter((value, i) => value === second[i]).length).toBeLessThan(first.length / 2)
})

test('R14 plan: what the coordinator sends is refused before any row is read', async () => {
  const unread = new Proxy(recordsOf([]), {
    get: () => {
      throw new Error('a row was read')
    },
  })
  const refused = { code: 'ROUND_REFUSED' }
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const parameters = weights.slice()
    parameters[3] = value
    await expect(executeQuery(execution({ parameters, records: unread }))).rejects.toMatchObject(refused)
  }
  const short = weights.subarray(1)
  await expect(executeQuery(execution({ parameters: short, records: unread }))).rejects.toMatchObject(refused)
  for (const queryIndex of [2, -1])
    await expect(executeQuery(execution({ queryIndex, records: unread }))).rejects.toMatchObject(refused)
})

test('plan: noise thinner than its multiplier, or records of another unit, are refused', async () => {
  const thin = structuredClone(manifest)
  thin.plan.queries[1]!.grid.step /= 2
  await expect(executeQuery(execution({ manifest: thin }))).rejects.toMatchObject({ code: 'NOISE_REFUSED' })
  const rows = new EncodedRecords(2, new Uint16Array(4), null)
  await expect(executeQuery(execution({ records: rows }))).rejects.toMatchObject({ code: 'INTERNAL' })
})

test('R10 plan: a contribution shows its kind and size only', async () => {
  const contribution = await executeQuery(execution())
  const { dimension } = queriesOf(manifest.plan)[1]!
  expect(inspect({ contribution }, { depth: 9, showHidden: true })).toContain(`Contribution(gradient, ${dimension})`)
  expect(JSON.stringify(contribution)).toBe(`{"kind":"gradient","dimension":${dimension}}`)
  expect(Object.keys(contribution)).toEqual(['kind', 'dimension'])
})
