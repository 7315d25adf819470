/*
 * Trains one model centrally on the pooled five hospitals and prints how much worse its cohort is than the real training
 * rows. Row level; the noise comes from a seeded generator: a measuring instrument, not a release.
 *
 *   node --conditions=source test/quality/central.ts [--splits 3] [--sigma 1.5] [--marginal-sigma 5.4] [--rate 0.05]
 *     [--steps 300] [--hidden 192] [--learning-rate 0.01] [--averaged 0.5] [--cohort ROWS] [--engine wasm] [--json]
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
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
import { sampleCells } from '@tributary/shared/synthesizers/autoregressive/sample'
import { defaultSettings } from '@tributary/shared/synthesizers/autoregressive/settings'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { type EngineName, loadEngine } from '@tributary/shared/tensor/engine'
import { transferAuc } from './logistic-regression.ts'
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

const folder = fileURLToPath(new URL('../../../shared/data/diabetes5/', import.meta.url))
if (!existsSync(folder)) throw new Error(`the data of the five hospitals is missing: ${folder}`)

interface Column {
  readonly kind: 'cat' | 'num'
  readonly size: number
  readonly levels?: readonly string[]
  readonly starts?: readonly number[]
}
const schema: Record<string, Column> = JSON.parse(readFileSync(`${folder}public-schema.json`, 'utf8'))
const names = Object.keys(schema)
const layout = layoutOf(names.map((name) => schema[name]!.size))
const outcome = names.indexOf('readmitted')
const positive = new Set([0, 1])

const encode = ({ levels, starts, kind }: Column, text: string) =>
  kind === 'cat' ? levels!.indexOf(text) : starts!.findLastIndex((start) => start <= Number(text))

const readPooled = () => {
  const patients: string[] = []
  const codes: number[] = []
  for (const site of ['north', 'river', 'summit', 'harbor', 'valley']) {
    const [head, ...lines] = gunzipSync(readFileSync(`${folder}${site}.csv.gz`))
      .toString('utf8')
      .trim()
      .split(/\r?\n/)
    const header = head!.split(',')
    const places = names.map((name) => header.indexOf(name))
    for (const line of lines) {
      const fields = line.split(',')
      patients.push(fields[header.indexOf('patient_id')]!)
      names.forEach((name, j) => codes.push(encode(schema[name]!, fields[places[j]!]!)))
    }
  }
  return { patients, cells: Uint16Array.from(codes) }
}

const { patients, cells } = readPooled()
const columns = names.length

const split = (number: number) => {
  const heldOut: number[] = []
  const train: number[] = []
  patients.forEach((patient, r) => {
    const hash = createHash('sha256').update(`${number}|${patient}`).digest('hex')
    const rows = Number.parseInt(hash.slice(0, 8), 16) % 5 === 0 ? heldOut : train
    for (let j = 0; j < columns; j++) rows.push(cells[r * columns + j]!)
  })
  return { train: Uint16Array.from(train), heldOut: Uint16Array.from(heldOut) }
}

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
  const { train, heldOut } = split(number_)
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
  const batches: Uint16Array[] = []
  const cohortRows = options.cohort === undefined ? rows : Number(options.cohort)
  for await (const batch of sampleCells(engine, release(state), cohortRows, number_)) batches.push(batch)
  const cohort = new Uint16Array(cohortRows * columns)
  let at = 0
  for (const batch of batches) {
    cohort.set(batch, at)
    at += batch.length
  }
  const sampleSeconds = (performance.now() - before) / 1000
  const tvd = (ways: 1 | 2 | 3, table: Uint16Array) =>
    marginalDistance(layout, ways, { cells: table }, { cells: heldOut })
  const auc = (table: Uint16Array) => transferAuc(layout, table, { cells: heldOut }, outcome, positive)
  return {
    split: number_,
    rows,
    tvd1: tvd(1, cohort),
    tvd2: tvd(2, cohort),
    tvd2Real: tvd(2, train),
    tvd2Excess: tvd(2, cohort) - tvd(2, train),
    auc: auc(cohort),
    aucReal: auc(train),
    aucLoss: auc(train) - auc(cohort),
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
const summary = { splits: results.length, tvd2Excess: mean((r) => r.tvd2Excess), aucLoss: mean((r) => r.aucLoss) }
if (options.json) console.log(JSON.stringify({ settings, results, mean: summary }))
else
  console.log(
    `mean over ${summary.splits}: TVD2 excess ${summary.tvd2Excess.toFixed(4)} (<= 0.0035), AUC loss ${summary.aucLoss.toFixed(4)} (<= 0.012)`,
  )
