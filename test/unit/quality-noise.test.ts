import { wireBoundOf, wireStepOf } from '@tributary/shared/dp/fold'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { freezeStudy, type Manifest, parseStudy } from '@tributary/shared/study/manifest'
import type { Generator } from '@tributary/shared/generator/generator'
import { decodeModel } from '@tributary/shared/synthesizers/autoregressive/training-state'
import { networkOfStudy } from '@tributary/shared/synthesizers/autoregressive/study-network'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { type Engine, loadEngine } from '@tributary/shared/tensor/engine'
import { beforeAll, describe, expect, it } from 'vitest'
import { integersOf } from '../../site-agent/contribution/contribution.ts'
import { executeQuery } from '../../site-agent/contribution/plan.ts'
import { EncodedRecords } from '../../site-agent/records/encoded-records.ts'
import { publicEpsilon, variantOf, withSteps } from '../quality/noise-variants.ts'
import { openedSum, recordsOf, trainPooled } from '../quality/pooled-training.ts'

const textOf = (shares: number) => `tributary: study/1
name: noise
purpose: test
source: { format: csv }
columns:
  - { name: a, kind: categorical, levels: [x, y, z] }
  - { name: b, kind: numeric, bins: [${Array.from({ length: 60 }, (_, i) => i).join()}], maximum: 60 }
privacy: { unit: row, patient_key: who, most_rows_per_patient: 4, epsilon: 3, delta: 1.0e-6 }
family: { name: autoregressive, hidden: 128, steps: 4, sampling_rate: 0.2, spares: { marginals: 0, gradient: 0 } }
federation: { noise_shares: ${shares} }
sites:
${['n', 'o', 'p', 'q', 'r'].map((name) => `  - { name: ${name}, promised_patients: 4000, promised_rows: 5000 }`).join('\n')}
`

let engine: Engine
const manifests = new Map<number, Manifest>()
beforeAll(async () => {
  engine = await loadEngine({ prefer: 'cpu' })
  for (const shares of [4, 5]) manifests.set(shares, freezeStudy(parseStudy(textOf(shares), 'noise.yaml').draft))
})
const manifestOf = (shares: number) => {
  const manifest = manifests.get(shares)
  if (manifest === undefined) throw new Error(`no study with ${shares} shares`)
  return manifest
}
const gradient = 1
const none = new EncodedRecords(2, new Uint16Array(0), null)
const sumOfSquares = (values: Float64Array) => values.reduce((sum, value) => sum + value * value, 0)

/** Six standard deviations of the mean square of `count` Gaussians of deviation 1. */
const six = (count: number) => 6 * Math.sqrt(2 / count)

describe.each([4, 5])('five hospitals, noise sized for h = %d shares', (shares) => {
  // What the product's own five sites add up to.
  const factor = 5 / shares

  it.each([1, 2, 5])(
    '%d sites: the integers’ variance is (sigma C / wire step)^2, by the coordinate',
    async (sites) => {
      const variant = variantOf(manifestOf(shares), sites)
      const plan = queriesOf(manifestOf(shares).plan)[gradient]!
      const { grid } = queriesOf(variant.plan)[gradient]!
      const parameters = new Float32Array(networkOfStudy(variant).dimension)
      const integers = new Float64Array(plan.dimension)
      for (let site = 0; site < sites; site++) {
        const streams = osRandomStreams()
        const execution = {
          manifest: variant,
          site: 'n',
          queryIndex: gradient,
          records: none,
          parameters,
          engine,
          streams,
        }
        integersOf(await executeQuery(execution)).forEach((integer, i) => {
          expect(Math.abs(integer)).toBeLessThanOrEqual(wireBoundOf(grid))
          integers[i] = integers[i]! + integer
        })
      }
      const wanted = factor * ((plan.noiseMultiplier * plan.clipNorm) / wireStepOf(grid)) ** 2
      expect(Math.abs(sumOfSquares(integers) / plan.dimension / wanted - 1)).toBeLessThan(six(plan.dimension))
      expect(six(plan.dimension)).toBeLessThan(0.1)
    },
  )

  it('every variant keeps the public promise, within a thousandth, and the five hospitals’ is the plan itself', () => {
    const five = variantOf(manifestOf(shares), 5)
    queriesOf(five.plan).forEach(({ grid }, q) => {
      const { step, ...integers } = queriesOf(manifestOf(shares).plan)[q]!.grid
      expect(grid).toMatchObject({ ...integers, clamp: expect.any(Number) as number })
      expect(grid.step / step).toBeCloseTo(1, 12)
      expect(Math.abs(grid.clamp / integers.clamp - 1)).toBeLessThan(1e-5)
    })
    const product = publicEpsilon(five)
    expect(product).toBeLessThanOrEqual(3)
    for (const sites of [1, 2]) {
      const epsilon = publicEpsilon(variantOf(manifestOf(shares), sites))
      expect(epsilon).toBeLessThanOrEqual(product * (1 + 1e-9))
      expect(epsilon).toBeGreaterThan(0.97 * product)
    }
  })
})

describe('openedSum', () => {
  it.each([1, 2, 5])('%d sites: the counts of all rows, and noise of deviation sigma C', async (sites) => {
    const variant = variantOf(manifestOf(5), sites)
    const query = queriesOf(variant.plan)[0]!
    const rows = 5000
    const cells = Uint16Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? (i / 2) % 3 : (i >> 1) % 60))
    const counts = new Float64Array(63)
    for (let i = 0; i < cells.length; i++) counts[(i % 2) * 3 + cells[i]!]! += 1
    const patients = Array.from({ length: rows }, (_, row) => `p${row}`)
    const parts = Array.from({ length: sites }, (_, site) => {
      const [from, to] = [Math.floor((site * rows) / sites), Math.floor(((site + 1) * rows) / sites)]
      return recordsOf({ cells: cells.subarray(2 * from, 2 * to), patients: patients.slice(from, to) }, variant)
    })
    const deviation = query.noiseMultiplier * query.clipNorm
    const announced = new Float32Array(networkOfStudy(variant).dimension)
    const noise = new Float64Array(8 * 63)
    for (let turn = 0; turn < 8; turn++) {
      const sum = await openedSum(variant, 0, parts, announced, engine)
      sum.forEach((value, i) => (noise[63 * turn + i] = (value - counts[i]!) / deviation))
    }
    expect(Math.max(...noise.map(Math.abs))).toBeLessThan(7)
    expect(Math.abs(sumOfSquares(noise) / noise.length - 1)).toBeLessThan(six(noise.length))
    expect(deviation).toBeLessThan(500)
  })

  it('trains the whole plan, with other noise each time', async () => {
    const manifest = withSteps(manifestOf(5), 2)
    expect(queriesOf(manifest.plan).map(({ steps, attempts }) => [steps, attempts])).toEqual([
      [1, 1],
      [2, 2],
    ])
    const [first, second] = [
      await trainPooled(variantOf(manifest, 2), [none, none], engine, 1),
      await trainPooled(variantOf(manifest, 2), [none, none], engine, 1),
    ]
    const paramsOf = (model: Generator) => decodeModel(model.encode()).params
    expect(paramsOf(first).every(Number.isFinite)).toBe(true)
    expect(first.marginals).not.toBeNull()
    expect([...paramsOf(first)]).not.toEqual([...paramsOf(second)])
  })
})
