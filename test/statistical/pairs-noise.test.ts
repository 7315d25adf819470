import { wireStepOf } from '@tributary/shared/dp/fold'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { familyOf } from '@tributary/shared/synthesizers/families'
import { mixtureSchema } from '@tributary/shared/synthesizers/mixture/schema'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { loadEngine } from '@tributary/shared/tensor/engine'
import { expect, test } from 'vitest'
import { EncodedRecords } from '../../site-agent/records/encoded-records.ts'
import { canaryStudy } from '../audit/canary-study.ts'
import { cellEdges, countsOf, expectedCounts, fitOf } from '../harness/goodness-of-fit.ts'
import { openedSum } from '../quality/pooled-training.ts'

/** As in noise.test.ts: a correct build fails about once in a million runs. */
const falseAlarm = 1e-6
const levels = [90, 80, 70]
const releases = 50

/** Patients of one to three rows. */
const recordsOf = (patients: number, seed: number): EncodedRecords => {
  const random = counterRandom(seed, 4)
  const starts = new Uint32Array(patients + 1)
  for (let i = 0; i < patients; i++) starts[i + 1] = starts[i]! + 1 + Math.floor(3 * random.uniform(i, 9))
  const cells = Uint16Array.from({ length: 3 * starts[patients]! }, (_, at) =>
    Math.floor(random.uniform(at, 0) ** 2 * levels[at % 3]!),
  )
  return new EncodedRecords(3, cells, starts)
}

/** By definition, with no code of the product: mean over a patient's rows of w (e_x - 1/g) (e_y - 1/h), patients added up. */
const definition = (sites: readonly EncodedRecords[], weights: Float32Array): Float64Array => {
  const parts: number[] = []
  for (const [pair, [i, j]] of (
    [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const
  ).entries()) {
    const [g, h] = [levels[i]!, levels[j]!]
    const counts = new Float64Array(g * h)
    for (const { codes: cells, unitStart: starts } of sites)
      for (let patient = 0; patient + 1 < starts!.length; patient++)
        for (let row = starts![patient]!; row < starts![patient + 1]!; row++) {
          const cell = cells[3 * row + i]! * h + cells[3 * row + j]!
          counts[cell] = counts[cell]! + 1 / (starts![patient + 1]! - starts![patient]!)
        }
    const total = counts.reduce((a, b) => a + b, 0)
    for (let x = 0; x < g; x++)
      for (let y = 0; y < h; y++) {
        let [inRow, inColumn] = [0, 0]
        for (let k = 0; k < h; k++) inRow += counts[x * h + k]!
        for (let k = 0; k < g; k++) inColumn += counts[k * h + y]!
        parts.push(weights[pair]! * (counts[x * h + y]! - inRow / h - inColumn / g + total / (g * h)))
      }
  }
  return Float64Array.from(parts)
}

test('R12 pairs: an opened sum is the weighted pairs of all patients plus Gaussian noise of the plan, whatever the weights', async () => {
  const family = mixtureSchema.parse({ name: 'mixture', most_groups: 100, steps: { marginals: 1, pairs: 3 } })
  const manifest = canaryStudy({ name: 'pairs-noise', levels, epsilon: 2, family })
  const query = queriesOf(manifest.plan)[1]!
  const announced = familyOf('mixture').initial(manifest, 1).announce({ index: 1, within: 0 })
  // Weights of the adversary's choice: one pair takes nearly all, and its noise is no less.
  announced.set([0.999, 0.02, 0.01], announced.length - 3)
  const engine = await loadEngine({ prefer: 'cpu' })
  const shares = manifest.federation.noise_shares
  const sites = Array.from({ length: shares }, (_, site) => recordsOf(300, site))
  const truth = definition(sites, announced.subarray(announced.length - 3))
  expect(Math.hypot(...truth)).toBeGreaterThan(10)
  const deviation = query.noiseMultiplier * query.clipNorm
  const step = wireStepOf(query.grid)
  const width = deviation / step
  const edges = cellEdges(width, 60)
  const counts = new Float64Array(edges.length + 1)
  const blocks = [0, levels[0]! * levels[1]!, levels[0]! * (levels[1]! + levels[2]!), query.dimension]
  const squares = new Float64Array(3)
  for (let release = 0; release < releases; release++) {
    const sum = await openedSum(manifest, 1, sites, announced, engine)
    const noise = sum.map((value, i) => (value - truth[i]!) / step)
    countsOf(noise, edges).forEach((count, i) => (counts[i] = counts[i]! + count))
    for (let block = 0; block < 3; block++)
      for (let i = blocks[block]!; i < blocks[block + 1]!; i++)
        squares[block] = squares[block]! + (noise[i]! / width) ** 2
  }
  const n = releases * query.dimension
  expect(fitOf(counts, expectedCounts(width, edges, n))).toBeGreaterThan(falseAlarm)
  for (const wrong of [1.01, 0.99])
    expect(fitOf(counts, expectedCounts(width * wrong, edges, n))).toBeLessThan(falseAlarm)
  squares.forEach((total, block) => {
    const values = releases * (blocks[block + 1]! - blocks[block]!)
    expect(Math.abs(total / values - 1)).toBeLessThan(6 * Math.sqrt(2 / values))
  })
})
