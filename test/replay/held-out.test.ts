import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scorerLength } from '@tributary/shared/evaluation/scorer'
import type { Manifest } from '@tributary/shared/study/manifest'
import { networkOfStudy } from '@tributary/shared/synthesizers/autoregressive/study-network'
import { scoreShapeOf } from '@tributary/shared/study/score-shape'
import { type Engine, loadEngine } from '@tributary/shared/tensor/engine'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { integersOf } from '../../site-agent/contribution/contribution.ts'
import { executeQuery } from '../../site-agent/contribution/plan.ts'
import { Holdout } from '../../site-agent/records/holdout.ts'
import { loadParted, loadRecords } from '../../site-agent/records/load-records.ts'
import { tableStudy } from '../harness/table-study.ts'
import { TapedStreams } from '../harness/tape.ts'

type Row = readonly [who: string, sex: string, age: number, readmitted: string]
/** Two rows of most patients, one of each third; `p0` .. `p299`. */
const table: readonly Row[] = Array.from({ length: 300 }, (_, i) => i).flatMap((i): Row[] => {
  const row: Row = [`p${i}`, i % 2 === 0 ? 'F' : 'M', (i * 37) % 120, ['no', 'early', 'late'][(i * i) % 3]!]
  return i % 3 === 0 ? [row] : [row, [`p${i}`, row[1], (i * 53) % 120, 'no']]
})
const holdout = new Holdout(new Uint8Array(32).fill(7))
const someHeldOut = table.find(([who]) => holdout.isHeldOut(who))![0]
const someTrained = table.find(([who]) => !holdout.isHeldOut(who))![0]

describe('R22: a table replayed with one patient changed, all randomness the same', () => {
  let folder = ''
  let engine: Engine
  let manifest: Manifest
  let files = 0
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tributary-held-out-'))
    engine = await loadEngine({ prefer: 'cpu' })
    manifest = tableStudy({
      columns: [
        '{ name: sex, kind: categorical, levels: [F, M] }',
        '{ name: age, kind: numeric, bins: [0, 30, 60], maximum: 120, integer: true }',
        "{ name: readmitted, kind: categorical, levels: ['no', early, late] }",
      ],
      delta: 1e-5,
      family: 'hidden: 4, steps: 4, sampling_rate: 0.2',
      spares: 1,
      evaluation: 'outcome: readmitted, positive: [early, late], bins: 4',
      patients: 400,
      rows: 900,
    })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const sourceOf = (rows: readonly Row[]) => {
    const path = join(folder, `${files++}.csv`)
    writeFileSync(path, ['who,sex,age,readmitted', ...rows.map((row) => row.join(',')), ''].join('\n'))
    return { format: 'csv', header: true, delimiter: ',', missing: [], encoding: 'utf-8', path } as const
  }

  /** What leaves for marginals, gradient and scores. */
  const answers = async (rows: readonly Row[]) => {
    const source = { ...sourceOf(rows), missing: [] }
    const { training, heldOut } = await loadParted(manifest, source, holdout)
    const { dimension } = networkOfStudy(manifest)
    const weights = Float32Array.from({ length: dimension }, (_, i) => Math.sin(i + 1))
    const scorer = Float32Array.from({ length: scorerLength(scoreShapeOf(manifest)!) }, (_, i) => i / 10)
    const integers: Float64Array[] = []
    for (const [queryIndex, { kind }] of manifest.plan.queries.entries()) {
      const parameters = kind === 'scores' ? scorer : weights
      const { open: streams } = new TapedStreams(5)
      const order = { manifest, site: 'north', queryIndex, parameters, records: training, heldOut, engine, streams }
      integers.push(integersOf(await executeQuery(order)))
    }
    const [marginals, gradient, scores] = integers
    return { marginals, gradient, scores }
  }

  const changes: [string, (rows: readonly Row[], who: string) => Row[]][] = [
    ['other values', (rows, who) => rows.map((row) => (row[0] === who ? [who, 'M', 119, 'late'] : row))],
    ['forty rows more', (rows, who) => [...rows, ...Array.from({ length: 40 }, (): Row => [who, 'F', 1, 'early'])]],
    ['not there', (rows, who) => rows.filter((row) => row[0] !== who)],
  ]

  it.each(changes)('R22 replay: a held-out patient, %s: no training sum moves by a bit', async (_, change) => {
    const before = await answers(table)
    const after = await answers(change(table, someHeldOut))
    expect(after.marginals).toEqual(before.marginals)
    expect(after.gradient).toEqual(before.gradient)
    expect(after.scores).not.toEqual(before.scores)
  })

  it.each(changes)(
    'R22 replay: a patient who is trained on, %s: the scores do not move by a bit',
    async (_, change) => {
      const before = await answers(table)
      const after = await answers(change(table, someTrained))
      expect(after.scores).toEqual(before.scores)
      expect(after.marginals).not.toEqual(before.marginals)
    },
  )

  it('R22: an evaluation never runs on a table that was not parted, nor another study on a parted one', async () => {
    const { records } = await loadRecords(manifest, { ...sourceOf(table), missing: [] })
    const { dimension } = networkOfStudy(manifest)
    const order = { manifest, site: 'north', queryIndex: 0, parameters: new Float32Array(dimension), records, engine }
    const streams = () => new TapedStreams(5).open
    const refused = expect.objectContaining({ code: 'INTERNAL' })
    await expect(executeQuery({ ...order, streams: streams() })).rejects.toThrowError(refused)
    const { evaluation: _, ...plain } = manifest
    const other = { ...order, manifest: plain, heldOut: records, streams: streams() }
    await expect(executeQuery(other)).rejects.toThrowError(refused)
  })

  it('R14: a scorer that is not finite, too long or a network is refused before any row is read', async () => {
    const { training, heldOut } = await loadParted(manifest, { ...sourceOf(table), missing: [] }, holdout)
    const unread = (part: typeof training) =>
      new Proxy(part, {
        get: (target, key) => {
          if (key === 'codes') throw new Error('a row was read')
          return Reflect.get(target, key) as unknown
        },
      })
    const length = scorerLength(scoreShapeOf(manifest)!)
    const { dimension } = networkOfStudy(manifest)
    for (const parameters of [
      new Float32Array(length).fill(Number.NaN, 3, 4),
      new Float32Array(length).fill(Number.NEGATIVE_INFINITY, length - 1),
      new Float32Array(length + 1),
      new Float32Array(dimension),
      Float32Array.from({ length }, (_, i) => -i),
    ]) {
      const { open: streams } = new TapedStreams(5)
      const order = { manifest, site: 'north', queryIndex: 2, parameters, engine, streams }
      const run = executeQuery({ ...order, records: unread(training), heldOut: unread(heldOut) })
      await expect(run).rejects.toThrowError(expect.objectContaining({ code: 'ROUND_REFUSED' }))
    }
  })
})
