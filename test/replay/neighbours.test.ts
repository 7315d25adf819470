import { fc, test as property } from '@fast-check/vitest'
import { slackOf } from '@tributary/shared/dp/slack'
import { networkOfStudy } from '@tributary/shared/synthesizers/autoregressive/study-network'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { gradientSum } from '@tributary/shared/synthesizers/autoregressive/clipped-sum'
import { marginalSum } from '@tributary/shared/synthesizers/marginal-sum'
import { clippedSum } from '@tributary/shared/synthesizers/clipped-sum'
import { type Engine, loadEngine } from '@tributary/shared/tensor/engine'
import { beforeAll, describe, expect, it } from 'vitest'
import { Contribution } from '../../site-agent/contribution/contribution.ts'
import { noisedIntegers } from '../../site-agent/contribution/noise.ts'
import { executeQuery } from '../../site-agent/contribution/plan.ts'
import { sampleAllRows, sampleOneRow } from '../../site-agent/contribution/sample.ts'
import {
  distanceOf,
  type Execute,
  type Neighbours,
  promised,
  type Replay,
  replayed,
  replayStudy,
  type Unit,
} from './neighbours.ts'

const manifest = replayStudy()
const queries = queriesOf(manifest.plan)
const { dimension } = networkOfStudy(manifest)
let engine: Engine
beforeAll(async () => {
  engine = await loadEngine({ prefer: 'cpu' })
})

// Codes outside the layout too: what no column declares must not get out either.
const row = fc.tuple(fc.nat(2), fc.nat(4))
const unit = fc.oneof(fc.array(row, { minLength: 1, maxLength: 3 }), fc.array(row, { minLength: 1, maxLength: 60 }))
const fewUnits = fc.array(fc.array(row, { minLength: 1, maxLength: 3 }), { maxLength: promised - 1 })
const neighbours: fc.Arbitrary<Neighbours> = fc.record({ units: fewUnits, patient: unit, at: fc.nat(promised) })
const settings = fc.record({
  queryIndex: fc.nat(1),
  seed: fc.nat(),
  isDrawn: fc.boolean(),
  scale: fc.constantFrom(0.01, 1, 30),
})
const replayOf = ({
  scale,
  ...rest
}: {
  queryIndex: number
  seed: number
  isDrawn: boolean
  scale: number
}): Replay => ({
  manifest,
  engine,
  parameters: Float32Array.from({ length: dimension }, (_, i) => scale * Math.sin(rest.seed + i)),
  ...rest,
})
const limitOf = (queryIndex: number) => 1 + slackOf(queries[queryIndex]!)

describe('R10 R12 replay on neighbouring tables, everything but one patient the same', () => {
  const largest = [0, 0]

  property.prop([neighbours, settings], { numRuns: 150 })(
    'no distance above the declared sensitivity, and nothing else that differs',
    async (tables, chosen) => {
      const replay = replayOf(chosen)
      const both = await replayed(executeQuery, tables, replay)
      const distance = distanceOf(both, replay)
      expect(distance).toBeLessThanOrEqual(limitOf(replay.queryIndex))
      largest[replay.queryIndex] = Math.max(largest[replay.queryIndex]!, distance)
      expect(both[1].trace).toEqual(both[0].trace)
      if (!replay.isDrawn && replay.queryIndex === 1) expect(distance).toBe(0)
    },
  )

  it.each<[string, Neighbours]>([
    ['an empty table', { units: [], patient: [[0, 0]], at: 0 }],
    ['a single patient', { units: [[[1, 3]]], patient: [[0, 0]], at: 0 }],
    ['a patient with many rows', { units: [[[1, 3]]], patient: Array<[number, number]>(60).fill([1, 1]), at: 1 }],
    ['a table as full as promised', { units: Array<Unit>(promised - 1).fill([[1, 2]]), patient: [[1, 2]], at: 30 }],
  ])('%s', async (_, tables) => {
    for (const queryIndex of [0, 1])
      for (const isDrawn of [true, false])
        for (let seed = 0; seed < 5; seed++) {
          const replay = replayOf({ queryIndex, seed, isDrawn, scale: 1 })
          const both = await replayed(executeQuery, tables, replay)
          const distance = distanceOf(both, replay)
          expect(distance).toBeLessThanOrEqual(limitOf(queryIndex))
          largest[queryIndex] = Math.max(largest[queryIndex]!, distance)
          expect(both[1].trace).toEqual(both[0].trace)
        }
  })

  it('the bound is not vacuous: some patient of those above came close to it, in both queries', () => {
    for (const distance of largest) expect(distance).toBeGreaterThan(0.5)
  })
})

/** The query as plan.ts binds it, with a mistake in the sizes of batches, the sum, or the decision to work at all. */
const mistaken =
  (mistake: {
    readonly rowsFor?: 'drawn'
    readonly divideByDrawn?: true
    readonly skipEmpty?: true
    readonly unclipped?: true
  }): Execute =>
  async (execution) => {
    const { manifest: study, queryIndex, records, parameters, streams } = execution
    const query = queriesOf(study.plan)[queryIndex]!
    const network = networkOfStudy(study)
    const room = { units: promised, rows: 4 * promised }
    const sample =
      query.kind === 'marginals'
        ? sampleAllRows(records, query.samplingRate, streams('sampling'), room)
        : sampleOneRow(records, query.samplingRate, streams('sampling'), streams('record'), room)
    if (mistake.skipEmpty && sample.drawn === 0) return new Contribution(query, new Float64Array(query.dimension))
    const { drawn, rowsPerUnit, counts } = sample
    const cells = mistake.rowsFor ? sample.cells.slice(0, 2 * drawn) : sample.cells
    const sum =
      query.kind === 'marginals'
        ? marginalSum(network.layout, cells, mistake.unclipped ? null : rowsPerUnit, drawn)
        : gradientSum(execution.engine, network, parameters, cells, query.clipNorm, mistake.rowsFor ? null : counts)
    const factor = mistake.divideByDrawn ? (query.samplingRate * promised) / Math.max(1, drawn) : 1
    const vouched = clippedSum(
      sum.sum.map((value) => value * factor),
      query.clipNorm,
    )
    return new Contribution(query, noisedIntegers(vouched, query, streams))
  }

describe('R10 R12 replay notices planted leaks', () => {
  const tables: Neighbours = {
    units: [[[1, 3]], [[0, 2]]],
    patient: [
      [0, 0],
      [1, 1],
    ],
    at: 1,
  }
  const seeds = Array.from({ length: 12 }, (_, seed) => seed)
  const seen = (execute: Execute, queryIndex: number, from: Neighbours) =>
    Promise.all(
      seeds.map(async (seed) => {
        const replay = replayOf({ queryIndex, seed, isDrawn: true, scale: 1 })
        const both = await replayed(execute, from, replay)
        return {
          isFar: distanceOf(both, replay) > limitOf(queryIndex),
          differs: both[0].trace.join() !== both[1].trace.join(),
        }
      }),
    )

  it('the same binding without a mistake passes', async () => {
    for (const queryIndex of [0, 1])
      for (const { isFar, differs } of await seen(mistaken({}), queryIndex, tables))
        expect({ isFar, differs }).toEqual({ isFar: false, differs: false })
  })

  it('an empty batch that is skipped', async () => {
    const results = await seen(mistaken({ skipEmpty: true }), 1, { ...tables, units: [] })
    expect(results.every(({ differs }) => differs)).toBe(true)
  })

  it('a batch as large as the draw', async () => {
    const results = await seen(mistaken({ rowsFor: 'drawn' }), 1, tables)
    expect(results.every(({ differs }) => differs)).toBe(true)
  })

  it('a division by the realised batch size', async () => {
    const many = Array.from({ length: 40 }, (_, i): Unit => [[i % 2, i % 4]])
    for (const from of [tables, { ...tables, units: many }])
      expect((await seen(mistaken({ divideByDrawn: true }), 1, from)).some(({ isFar }) => isFar)).toBe(true)
  })

  it('a patient who counts once for every row', async () => {
    expect((await seen(mistaken({ unclipped: true }), 0, tables)).every(({ isFar }) => isFar)).toBe(true)
  })
})
