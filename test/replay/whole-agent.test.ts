import { osRandomStreams } from '@tributary/shared/dp/os-random'
import type { RandomStreams } from '@tributary/shared/ports'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { networkOfStudy } from '@tributary/shared/synthesizers/autoregressive/study-network'
import { gradientSum } from '@tributary/shared/synthesizers/autoregressive/clipped-sum'
import { type Engine, loadEngine } from '@tributary/shared/tensor/engine'
import { beforeAll, describe, expect, it } from 'vitest'
import { Contribution } from '../../site-agent/contribution/contribution.ts'
import { noisedIntegers } from '../../site-agent/contribution/noise.ts'
import { executeQuery } from '../../site-agent/contribution/plan.ts'
import { sampleOneRow } from '../../site-agent/contribution/sample.ts'
import { EncodedRecords } from '../../site-agent/records/encoded-records.ts'
import type { HandClock } from '../harness/hand-clock.ts'
import { InProcessFederation } from '../harness/in-process-federation.ts'
import type { Execute } from './neighbours.ts'

let plain: Engine
beforeAll(async () => {
  plain = await loadEngine({ prefer: 'cpu' })
})

/** As tiny-study.ts promises of every site. */
const promised = 500
const study = { sites: 3, least: 3, steps: 2, spares: { marginals: 1, gradient: 2 } }

const tableOf = (rows: number): EncodedRecords =>
  new EncodedRecords(
    2,
    Uint16Array.from({ length: 2 * rows }, (_, i) => (i * i) % 5),
    null,
  )

/** Work takes time: a millisecond for each row of a matrix and each hundred random bytes. */
const timed = (clock: HandClock): { readonly engine: Engine; readonly streams: RandomStreams } => {
  const streams = osRandomStreams()
  return {
    engine: {
      ...plain,
      matrix: (data, rows, columns) => {
        clock.advance(rows)
        return plain.matrix(data, rows, columns)
      },
    },
    streams: (purpose) => {
      const source = streams(purpose)
      return {
        fill: (bytes) => {
          clock.advance(Math.ceil(bytes.length / 100))
          source.fill(bytes)
        },
      }
    },
  }
}

/**
 * A whole study of three hospitals, ash with a table of `rows`, the others with full ones: what everybody but ash can see of it.
 * Coins, noise and keys are the operating system's, so nothing of this view may hang on them either.
 */
const viewOf = async (rows: number, execute: Execute = executeQuery): Promise<unknown> => {
  const federation = await InProcessFederation.open(study)
  try {
    const { clock } = federation
    for (const site of federation.sites) {
      const records = tableOf(site.name === 'ash' ? rows : promised)
      site.sleep = async (ms) => clock.advance(ms)
      site.execute = (order) => (site.name === 'ash' ? execute : executeQuery)({ ...order, ...timed(clock), records })
    }
    const start = clock.now()
    await federation.complete()
    return {
      outcome: federation.outcome,
      messages: federation.departed.map(({ site, kind, bytes, at, times }) => ({
        site,
        kind,
        bytes,
        at: at - start,
        times,
      })),
      contributors: federation.coordinator.opened.map(({ step, attempt, contributors }) => ({
        step,
        attempt,
        contributors,
      })),
    }
  } finally {
    federation.close()
  }
}

const kindsOf = (view: unknown): string =>
  (view as { messages: { site: string; kind: string }[] }).messages.map(({ site, kind }) => `${site} ${kind}`).join()

describe('R10 R11 what others see of a hospital is a function of the plan', () => {
  it('one patient more or less, from an empty table to a full one: the same messages, sizes and times', async () => {
    const empty = await viewOf(0)
    expect(empty).toMatchObject({ outcome: { outcome: 'completed' } })
    expect((empty as { messages: unknown[] }).messages.length).toBeGreaterThan(3 * 3 * 2)
    for (const rows of [1, 2, promised - 1, promised]) expect(await viewOf(rows)).toEqual(empty)
  })

  it('a table above its promise shows by the rung it stands on, and by nothing else', async () => {
    const kept = await viewOf(promised)
    const above = await viewOf(promised + 1)
    expect(above).not.toEqual(kept)
    expect(kindsOf(above)).toBe(kindsOf(kept))
    expect(await viewOf(promised + 125)).toEqual(above)
  })
})

describe('R10 R11 the view notices planted leaks', () => {
  it('an empty table that is passed over', async () => {
    const skipping: Execute = (execution) =>
      execution.records.rows === 0 ? Promise.reject(new Error('nothing to do')) : executeQuery(execution)
    expect(kindsOf(await viewOf(0, skipping))).not.toBe(kindsOf(await viewOf(1, skipping)))
  })

  it('work that takes as long as the table is large, or as the draw was', async () => {
    const unpadded =
      (roomOf: (records: EncodedRecords, drawn: number) => number): Execute =>
      async (execution) => {
        const { manifest, queryIndex, records, parameters, engine, streams } = execution
        const query = queriesOf(manifest.plan)[queryIndex]!
        if (query.kind !== 'gradient') return executeQuery(execution)
        const room = { units: promised, rows: promised }
        const sample = sampleOneRow(records, query.samplingRate, streams('sampling'), streams('record'), room)
        const rows = roomOf(records, sample.drawn)
        const [cells, counts] = [sample.cells.slice(0, 2 * rows), sample.counts!.slice(0, rows)]
        const sum = gradientSum(engine, networkOfStudy(manifest), parameters, cells, query.clipNorm, counts)
        return new Contribution(query, noisedIntegers(sum, query, streams))
      }
    const byTable = unpadded((records) => records.rows)
    expect(await viewOf(promised - 1, byTable)).not.toEqual(await viewOf(promised, byTable))
    const byDraw = unpadded((_, drawn) => drawn)
    expect(await viewOf(0, byDraw)).not.toEqual(await viewOf(promised, byDraw))
    const padded = unpadded(() => promised)
    expect(await viewOf(promised - 1, padded)).toEqual(await viewOf(promised, padded))
  })
})
