/*
 * Trains one model centrally on the pooled five hospitals and prints how much worse its cohort is than the real training
 * rows. Row level; the noise comes from a seeded generator: a measuring instrument, not a release.
 *
 *   node --conditions=source test/quality/central.ts [--splits 3] [--sigma 1.5] [--marginal-sigma 5.4] [--rate 0.05]
 *     [--steps 300] [--hidden 192] [--learning-rate 0.01] [--averaged 0.5] [--cohort ROWS] [--engine wasm] [--json]
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { layoutOfColumns } from '@tributary/shared/schema/column'
import { parseStudy } from '@tributary/shared/study/manifest'
import {
  applyGradient,
  applyMarginals,
  initialModel,
  parametersOf,
  release,
} from '@tributary/shared/synthesizers/autoregressive/apply'
import { gradientSum, marginalSum } from '@tributary/shared/synthesizers/autoregressive/clipped-sum'
import { networkOf } from '@tributary/shared/synthesizers/autoregressive/network'
import { describeQueries } from '@tributary/shared/synthesizers/autoregressive/plan'
import { defaultSettings } from '@tributary/shared/synthesizers/autoregressive/settings'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { type EngineName, loadEngine } from '@tributary/shared/tensor/engine'
import { root } from '../harness/sources.ts'
import { cohortCells } from './cohort-cells.ts'
import { qualityOf, readmission, referenceOf } from './cohort-quality.ts'
import { pooled, readHospitals, splitOf } from './diabetes5-splits.ts'
import { marginalDistance } from './pairwise-distance.ts'

const { values: options } = parseArgs({
  options: {
    splits: { type: 'string', default: '3' },
    sigma: { type: 'string', default: '1.5' },
    'marginal-sigma': { type: 'string', default: '5.4' },
    rate: { type: 'string', default: '0.05' },
    steps: { type: 'string', default: '300' },
    hidden: { type: 'string', default: String(defaultSettings.hidden) },
    'learning-rate': { type: 'string', default: String(defaultSettings.learningRate) },
    averaged: { type: 'string', default: String(defaultSettings.averagedShare) },
    cohort: { type: 'string' },
    engine: { type: 'string', default: 'wasm' },
    json: { type: 'boolean', default: false },
  },
})
const number = (name: Exclude<keyof typeof options, 'engine' | 'json' | 'cohort'>) => Number(options[name])

const study = parseStudy(
  readFileSync(join(root, 'deploy/samples/studies/diabetes5-row.yaml'), 'utf8'),
  'diabetes5',
).draft
const layout = layoutOf(layoutOfColumns(study.columns).sizes)
const columns = layout.sizes.length
const outcome = readmission(study)
const hospitals = readHospitals(study)

const engine = await loadEngine({ prefer: options.engine as EngineName })
const settings = {
  ...defaultSettings,
  hidden: number('hidden'),
  learningRate: number('learning-rate'),
  averagedShare: number('averaged'),
}
const network = networkOf(layout, settings)
const queries = describeQueries(layout, settings)

const withNoise = (sum: Float64Array, deviation: number, seed: number, step: number) => {
  const random = counterRandom(seed, 200)
  return sum.map((value, i) => value + deviation * random.normal(i, step))
}

const run = async (number_: number) => {
  const parts = splitOf(hospitals, number_)
  const { cells: train } = pooled(parts.train)
  const { cells: heldOut } = parts.heldOut
  const rows = train.length / columns
  const rate = number('rate')
  const steps = number('steps')
  const coins = counterRandom(number_, 201)
  const started = performance.now()
  let state = initialModel(network, number_)
  const marginals = marginalSum(layout, train, null)
  const marginalDeviation = number('marginal-sigma') * queries.marginals.clipNorm
  state = applyMarginals(state, withNoise(marginals.sum, marginalDeviation, number_, 0), rows)
  let records = 0
  let clippedMs = 0
  for (let step = 1; step <= steps; step++) {
    const drawn: number[] = []
    for (let r = 0; r < rows; r++) {
      if (coins.uniform(r, step) >= rate) continue
      for (let j = 0; j < columns; j++) drawn.push(train[r * columns + j]!)
    }
    const before = performance.now()
    const { sum, sensitivity } = gradientSum(
      engine,
      network,
      parametersOf(state),
      Uint16Array.from(drawn),
      queries.gradient.clipNorm,
    )
    clippedMs += performance.now() - before
    records += drawn.length / columns
    state = applyGradient(state, withNoise(sum, number('sigma') * sensitivity, number_, step), rate * rows, step, steps)
  }
  const trainSeconds = (performance.now() - started) / 1000
  const before = performance.now()
  const cohortRows = options.cohort === undefined ? rows : Number(options.cohort)
  const cohort = await cohortCells(release(state), cohortRows, number_)
  const sampleSeconds = (performance.now() - before) / 1000
  const reference = referenceOf(layout, outcome, { cells: train }, { cells: heldOut })
  return {
    split: number_,
    rows,
    tvd1: marginalDistance(layout, 1, { cells: cohort }, { cells: heldOut }),
    ...qualityOf(reference, cohort),
    trainSeconds,
    sampleSeconds,
    recordsPerSecond: records / (clippedMs / 1000),
  }
}

console.error(`${engine.description}; ${network.dimension} weights`)
const results: Awaited<ReturnType<typeof run>>[] = []
for (let i = 0; i < number('splits'); i++) {
  const result = await run(i)
  results.push(result)
  if (!options.json)
    console.log(
      Object.entries(result)
        .map(([name, value]) => `${name} ${Number.isInteger(value) ? value : value.toPrecision(4)}`)
        .join('  '),
    )
}
const mean = (of: (result: (typeof results)[number]) => number) =>
  results.reduce((total, result) => total + of(result), 0) / results.length
const summary = {
  splits: results.length,
  tvd2Excess: mean((r) => r.tvd2Excess),
  aucLoss: -mean((r) => r.aucDifference),
}
if (options.json) console.log(JSON.stringify({ settings, results, mean: summary }))
else
  console.log(
    `mean over ${summary.splits}: TVD2 excess ${summary.tvd2Excess.toFixed(4)} (<= 0.0035), AUC loss ${summary.aucLoss.toFixed(4)} (<= 0.012)`,
  )
