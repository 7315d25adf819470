import type { Manifest } from '@tributary/shared/study/manifest'
import { queriesOf } from '@tributary/shared/study/plan-block'
import type { Engine } from '@tributary/shared/tensor/engine'
import type { SiteQueries } from '../../site-agent/contribution/query-thread.ts'
import { integersOf } from '../../site-agent/contribution/contribution.ts'
import type { QueryExecution } from '../../site-agent/contribution/plan.ts'
import type { EncodedRecords } from '../../site-agent/records/encoded-records.ts'
import { sexAndAge, tableStudy } from '../harness/table-study.ts'
import { firstBytes, TapedStreams } from '../harness/tape.ts'
import { recordsOf } from '../harness/unit-records.ts'

export const promised = 60

/** Patients of any number of rows over two columns of 2 and 4 levels; sums are not folded, so that distances can be read. */
export const replayStudy = (): Manifest => {
  const manifest = tableStudy({
    columns: sexAndAge,
    delta: 1e-5,
    family: 'hidden: 4, steps: 4, sampling_rate: 0.2',
    spares: 1,
    patients: promised,
    rows: 4 * promised,
  })
  for (const { grid } of manifest.plan.queries) grid.fold_bits = 0
  return manifest
}

/** Rows of one patient. */
export type Unit = readonly (readonly [sex: number, age: number])[]

/** A table, and a patient who is in one of the two neighbours and stands before patient number `at` there. */
export interface Neighbours {
  readonly units: readonly Unit[]
  readonly patient: Unit
  readonly at: number
}

/** What a query did that could show outside, and what it answered. */
export interface Replayed {
  readonly integers: Float64Array
  /** Streams opened with the bytes taken, matrices and products by shape, the answer's kind and size; in order. */
  readonly trace: readonly string[]
}

export type Execute = (execution: QueryExecution) => ReturnType<SiteQueries['execute']>

const traced = (engine: Engine, trace: string[]): Engine => ({
  ...engine,
  matrix: (data, rows, columns) => {
    trace.push(`matrix ${rows} x ${columns} of ${data.length}`)
    return engine.matrix(data, rows, columns)
  },
  product: (left, right) => {
    trace.push(`product ${left.shape.join(' x ')} by ${right.shape.join(' x ')}`)
    return engine.product(left, right)
  },
})

const bound53 = (rate: number) => Math.floor(rate * 2 ** 53)
const valueAt = (bytes: Uint8Array, index: number): number => {
  const [low, high] = new Uint32Array(bytes.slice(8 * index, 8 * index + 8).buffer)
  return (low! >>> 5) * 0x4000000 + (high! >>> 6)
}

export interface Replay {
  readonly manifest: Manifest
  readonly queryIndex: number
  readonly engine: Engine
  readonly parameters: Float32Array
  readonly seed: number
  /** Whether the patient's own coin falls so that they are drawn. */
  readonly isDrawn: boolean
}

/**
 * The query on both neighbours under the same randomness (same-randomness replay, arXiv 2602.17454): every other patient's coin and
 * row, all rounding and all noise are the same; the patient has bits of their own.
 */
export const replayed = async (
  execute: Execute,
  { units, patient, at }: Neighbours,
  { manifest, queryIndex, engine, parameters, seed, isDrawn }: Replay,
): Promise<readonly [without: Replayed, withPatient: Replayed]> => {
  const rate = queriesOf(manifest.plan)[queryIndex]!.samplingRate
  const place = Math.min(at, units.length)
  const coins = firstBytes(seed, 'sampling', 8 * place)
  const drawnBefore = Array.from({ length: place }, (_, unit) => valueAt(coins, unit)).filter(
    (value) => value < bound53(rate),
  ).length
  const own = new Uint8Array(8).fill(isDrawn || rate === 1 ? 0 : 255)
  const choice = firstBytes(seed + 1, 'record', 8)
  const splices = {
    sampling: { at: 8 * place, bytes: own },
    ...(isDrawn && { record: { at: 8 * drawnBefore, bytes: choice } }),
  }
  const run = async (records: EncodedRecords, tapes: TapedStreams): Promise<Replayed> => {
    const trace: string[] = []
    const answer = await execute({
      manifest,
      site: 'north',
      queryIndex,
      records,
      parameters,
      engine: traced(engine, trace),
      streams: tapes.open,
    })
    const integers = integersOf(answer)
    for (const { purpose, bytes } of tapes.taken) trace.push(`${purpose} ${bytes} bytes`)
    trace.push(`${answer.kind} of ${answer.dimension}, ${integers.length} integers`)
    return { integers, trace }
  }
  const added = [...units.slice(0, place), patient, ...units.slice(place)]
  return [
    await run(recordsOf(units), new TapedStreams(seed)),
    await run(recordsOf(added), new TapedStreams(seed, splices)),
  ]
}

/** L2 distance of the two sums before noise, rounded to the grid, over the clip norm. */
export const distanceOf = ([one, other]: readonly [Replayed, Replayed], { manifest, queryIndex }: Replay): number => {
  const { clipNorm, grid } = queriesOf(manifest.plan)[queryIndex]!
  return (Math.hypot(...one.integers.map((value, i) => value - other.integers[i]!)) * grid.step) / clipNorm
}
