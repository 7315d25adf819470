/*
 * Records per second of the real network, clipped against plain in the same run, and noise values per second.
 *
 *   npm run bench:dpsgd -- [--json] [--engine tensorflow|wasm|cpu] [--repeats 21]
 *
 * The layout is that of the public diabetes5 schema; rows are made up: neither changes the work by more than a little.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { drawNoise, noiseTable, shareStepsFor } from '@tributary/shared/dp/noise-table'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { initialModel, parametersOf } from '@tributary/shared/synthesizers/autoregressive/apply'
import { gradientSum } from '@tributary/shared/synthesizers/autoregressive/clipped-sum'
import { networkOf } from '@tributary/shared/synthesizers/autoregressive/network'
import { defaultSettings } from '@tributary/shared/synthesizers/autoregressive/settings'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { type EngineName, loadEngine } from '@tributary/shared/tensor/engine'
import { clipNorm } from '@tributary/shared/units'
import { exactDiscreteGaussian } from '../harness/exact-discrete-gaussian.ts'
import { plainGradient } from './plain-gradient.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    engine: { type: 'string', default: 'tensorflow' },
    repeats: { type: 'string', default: '21' },
  },
})
const repeats = Number(options.repeats)

interface Row {
  readonly name: string
  readonly unit: string
  readonly value: number
  readonly baseline: number
  /** Gradients: median over turns of the time against plain ones, 1.3 means 1.3 times slower. Noise: how many times as fast as the exact sampler. */
  readonly ratio: number
  /** What the baseline is, and how to read the ratio. */
  readonly against: string
}

/** Seconds of each task in each turn, the first left out; the tasks take turns, so that a busy machine slows them alike. */
const timed = (tasks: readonly (() => void)[]): number[][] => {
  const seconds = tasks.map((): number[] => [])
  for (let i = 0; i <= repeats; i++) {
    tasks.forEach((task, t) => {
      const started = performance.now()
      task()
      if (i > 0) seconds[t]!.push((performance.now() - started) / 1000)
    })
  }
  return seconds
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

const engine = await loadEngine({ prefer: options.engine as EngineName })
const layout = layoutOf([6, 3, 10, 8, 26, 14, 16, 7, 16, 3, 2, 4, 16, 4, 4, 2, 2, 3])
const columns = layout.sizes.length
const rows: Row[] = []

for (const hidden of [defaultSettings.hidden, 512]) {
  const network = networkOf(layout, { ...defaultSettings, hidden })
  const params = parametersOf(initialModel(network, 1))
  const records = 2048
  const random = counterRandom(1, 250)
  const cells = Uint16Array.from({ length: records * columns }, (_, i) =>
    Math.floor(random.uniform(i, 0) * layout.sizes[i % columns]!),
  )
  const [clipped, plain] = timed([
    () => gradientSum(engine, network, params, cells, clipNorm(1)),
    () => plainGradient(engine, network, params, cells),
  ]) as [number[], number[]]
  rows.push({
    name: `clipped gradients, ${columns} columns, ${layout.cells} cells, ${hidden} hidden, ${network.dimension} weights`,
    unit: 'records/s',
    value: records / median(clipped),
    baseline: records / median(plain),
    ratio: median(clipped.map((seconds, turn) => seconds / plain[turn]!)),
    against: 'slower than plain gradients at',
  })
}

const values = new Float64Array(200_000)
const source = osRandomStreams()('noise')
const exactDraws = 2_000
const exact = exactDiscreteGaussian(source, 64n ** 2n)
const [exactTimes] = timed([
  () => {
    for (let i = 0; i < exactDraws; i++) exact.draw()
  },
]) as [number[]]
/** The exact rational sampler at 64 grid steps, in this very run. */
const exactPerSecond = exactDraws / median(exactTimes)
for (const least of [64, 4096]) {
  const table = noiseTable(shareStepsFor(least))
  const [noise] = timed([() => drawNoise(table, source, values)]) as [number[]]
  rows.push({
    name: `noise of at least ${least} grid steps`,
    unit: 'values/s',
    value: values.length / median(noise),
    baseline: exactPerSecond,
    ratio: values.length / median(noise) / exactPerSecond,
    against: 'as fast as the exact rational sampler at',
  })
}

const machine = {
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  node: process.version,
  engine: engine.description,
}
if (options.json) console.log(JSON.stringify({ machine, rows }))
else {
  console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${machine.engine}`)
  for (const { name, unit, value, baseline, ratio, against } of rows) {
    const [rate, base] = [value, baseline].map((each) => Math.round(each).toLocaleString('en'))
    console.log(`${name}: ${rate} ${unit}; ${ratio.toFixed(2)} times ${against} ${base}`)
  }
}
