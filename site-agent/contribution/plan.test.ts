import { inspect } from 'node:util'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import type { RandomStreams } from '@tributary/shared/ports'
import type { Manifest } from '@tributary/shared/study/manifest'
import { networkOfStudy } from '@tributary/shared/synthesizers/autoregressive/study-network'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { type Engine, loadEngine } from '@tributary/shared/tensor/engine'
import { fc, test as property } from '@fast-check/vitest'
import { beforeAll, expect, test } from 'vitest'
import { sexAndAge, tableStudy } from '../../test/harness/table-study.ts'
import { TapedStreams } from '../../test/harness/tape.ts'
import { manyUnits, recordsOf } from '../../test/harness/unit-records.ts'
import { EncodedRecords } from '../records/encoded-records.ts'
import { integersOf } from './contribution.ts'
import { executeQuery, type QueryExecution } from './plan.ts'

const seeded = (seed: number) => new TapedStreams(seed).open
let engine: Engine
let manifest: Manifest
let weights: Float32Array
beforeAll(async () => {
  engine = await loadEngine({ prefer: 'cpu' })
  manifest = tableStudy({
    columns: sexAndAge,
    delta: 1e-5,
    family: 'hidden: 4, steps: 4, sampling_rate: 0.2',
    spares: 1,
    patients: 1000,
    rows: 2000,
  })
  const { dimension } = networkOfStudy(manifest)
  weights = Float32Array.from({ length: dimension }, (_, i) => Math.sin(i + 1))
})

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

test('R15 plan: a table so far above its promise that sums are not exact is refused before its rows are worked on', async () => {
  const recordsOfMany = (units: number) =>
    new EncodedRecords(
      2,
      new Uint16Array(2 * units),
      Uint32Array.from({ length: units + 1 }, (_, i) => i),
    )
  const streams: RandomStreams = () => {
    throw new Error('a coin was thrown')
  }
  const refused = { code: 'ROUND_REFUSED', message: expect.stringContaining('larger than promised') }
  for (const queryIndex of [0, 1])
    await expect(run({ queryIndex, streams, records: recordsOfMany(2 ** 23 + 1) })).rejects.toMatchObject(refused)
  // Exact sums, but at rate 0.2 a batch too long for the model's few numbers.
  await expect(run({ queryIndex: 1, streams, records: recordsOfMany(4_500_000) })).rejects.toMatchObject(refused)
  await expect(run({ queryIndex: 0, streams, records: recordsOfMany(4_500_000) })).rejects.toThrow('a coin was thrown')
})

test('R10 plan: a contribution shows its kind and size only', async () => {
  const contribution = await executeQuery(execution())
  const { dimension } = queriesOf(manifest.plan)[1]!
  expect(inspect({ contribution }, { depth: 9, showHidden: true })).toContain(`Contribution(gradient, ${dimension})`)
  expect(JSON.stringify(contribution)).toBe(`{"kind":"gradient","dimension":${dimension}}`)
  expect(Object.keys(contribution)).toEqual(['kind', 'dimension'])
})
