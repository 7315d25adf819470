import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scorerLength } from '@tributary/shared/evaluation/scorer'
import type { Manifest } from '@tributary/shared/study/manifest'
import { networkOfStudy } from '@tributary/shared/synthesizers/autoregressive/study-network'
import { scoreShapeOf } from '@tributary/shared/study/score-shape'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tableStudy } from '../../test/harness/table-study.ts'
import { Holdout, openHoldout } from '../records/holdout.ts'
import { integersOf } from './contribution.ts'
import { QueryThread } from './query-thread.ts'

const patients = 4000
let folder = ''
let manifest: Manifest
const path = () => join(folder, 'table.csv')
const threadWith = (holdout: { holdout?: string }) =>
  QueryThread.open({ manifest, site: 'north', source: { ...manifest.source, path: path() }, ...holdout })

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-held-out-thread-'))
  manifest = tableStudy({
    columns: [
      '{ name: sex, kind: categorical, levels: [F, M] }',
      "{ name: died, kind: categorical, levels: ['no', 'yes'] }",
    ],
    epsilon: 8,
    delta: 1e-6,
    family: 'hidden: 4, steps: 2, sampling_rate: 0.25',
    spares: 0,
    evaluation: "outcome: died, positive: ['yes'], bins: 4, spares: 0",
    patients: 5000,
    rows: 5000,
  })
  const rows = Array.from(
    { length: patients },
    (_, i) => `${i},${i % 2 === 0 ? 'F' : 'M'},${i % 5 === 0 ? 'yes' : 'no'}`,
  )
  writeFileSync(path(), `who,sex,died\n${rows.join('\n')}\n`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('R22 thread: without the holdout key nothing is trained on, and no key is made in its place', async () => {
  await expect(threadWith({ holdout: folder })).rejects.toMatchObject({ code: 'HOLDOUT_LOST' })
  await expect(threadWith({})).rejects.toMatchObject({ code: 'INTERNAL' })
  await expect(threadWith({ holdout: folder })).rejects.toMatchObject({ code: 'HOLDOUT_LOST' })
})

test('R22 thread: held-out patients are counted in the scores and missing from the marginals, whichever order asks', async () => {
  openHoldout(folder, true)
  const secret = readFileSync(join(folder, 'holdout-key'))
  const holdout = new Holdout(secret)
  const heldOut = Array.from({ length: patients }, (_, i) => String(i)).filter((key) => holdout.isHeldOut(key))
  const thread = await threadWith({ holdout: folder })
  try {
    const ask = async (queryIndex: number, parameters: Float32Array) => {
      const contribution = await thread.execute({ manifest, site: 'north', queryIndex, parameters })
      const { grid } = manifest.plan.queries[queryIndex]!
      return { contribution, counts: integersOf(contribution).map((value) => value * grid.step * 2 ** grid.fold_bits) }
    }
    const scores = await ask(2, new Float32Array(scorerLength(scoreShapeOf(manifest)!)))
    const marginals = await ask(0, new Float32Array(networkOfStudy(manifest).dimension))
    const deviation = (query: number) =>
      manifest.plan.queries[query]!.noise_multiplier * manifest.plan.queries[query]!.clip_norm
    // Every score is 0, at every threshold: all in the last bin of their label.
    const dead = heldOut.filter((key) => Number(key) % 5 === 0).length
    expect(Math.abs(scores.counts[7]! - dead)).toBeLessThan(7 * deviation(2))
    expect(Math.abs(scores.counts[3]! - (heldOut.length - dead))).toBeLessThan(7 * deviation(2))
    expect(Math.abs(scores.counts[0]!)).toBeLessThan(7 * deviation(2))
    const trained = patients - heldOut.length
    expect(heldOut.length).toBeGreaterThan(14 * deviation(0))
    expect(Math.abs(marginals.counts[2]! + marginals.counts[3]! - trained)).toBeLessThan(10 * deviation(0))
    const said = JSON.stringify([scores.contribution, marginals.contribution])
    for (const form of ['hex', 'base64'] as const) expect(said).not.toContain(secret.toString(form))
  } finally {
    await thread.close()
  }
})
