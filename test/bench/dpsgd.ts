/*
 * Records per second of the clipped gradient sum of the default network, one thread each, in one run: the native engine, WebAssembly,
 * plain JavaScript, hand-written book-keeping in PyTorch, Opacus; all compute the same sum of the same rows, which is checked. And
 * noise values per second.
 *
 *   npm run -s bench:dpsgd -- [--turns 15] [--rows 2048] [--json]
 *   npm run -s bench:dpsgd -- --setup      makes the virtual environment of PyTorch and Opacus (5 GB, from the index pip is set to)
 *
 * The layout is that of the public diabetes5 schema; rows are made up: neither changes the work by more than a little.
 * TRIBUTARY_PYTHON names a Python with both, where the environment is another than /tmp/tributary-bench/venv. What is not there is said
 * and left out. Seconds are the processor's; ratios are medians over turns of the two in the same turn.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { peersFolder, peersPython } from './dpsgd-contender.ts'
import { type Placed, race } from './dpsgd-race.ts'
import { noiseRates } from './noise-rates.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    setup: { type: 'boolean', default: false },
    turns: { type: 'string', default: '15' },
    rows: { type: 'string', default: '2048' },
    help: { type: 'boolean', default: false },
  },
})

/** At least `times` as fast; the last two against Opacus as fast as we could make it. */
const goals = [
  { of: 'tensorflow', against: 'PyTorch book-keeping', times: 1 },
  { of: 'tensorflow', against: 'Opacus', times: 10 },
  { of: 'wasm', against: 'Opacus', times: 5 },
  { of: 'tensorflow', against: 'Opacus, tuned malloc', times: 10 },
  { of: 'wasm', against: 'Opacus, tuned malloc', times: 5 },
] as const

const setUp = () => {
  mkdirSync(dirname(peersFolder), { recursive: true })
  const stdio = ['ignore', 'inherit', 'inherit'] as const
  if (peersPython() === null) execFileSync('python3', ['-m', 'venv', peersFolder], { stdio: [...stdio] })
  const packages = ['torch==2.9.1', 'opacus==1.6.0', 'numpy']
  execFileSync(`${peersFolder}/bin/pip`, ['install', ...packages], { stdio: [...stdio] })
}

const whole = (value: number) => Math.round(value).toLocaleString('en')

const lineOf = ({ name, description, recordsPerSecond, timesAsFastAs }: Placed) => {
  const against = ['PyTorch book-keeping', 'Opacus', 'Opacus, tuned malloc', 'Opacus, ghost clipping']
    .filter((other) => other !== name && timesAsFastAs[other] !== undefined)
    .map((other) => `${timesAsFastAs[other]!.toFixed(2)} x ${other}`)
  return `${name.padEnd(24)} ${whole(recordsPerSecond).padStart(9)} records/s  ${against.join(', ')}  [${description}]`
}

const goalLine = ({ of, against, times }: (typeof goals)[number], placed: readonly Placed[]) => {
  const found = placed.find(({ name }) => name === of)?.timesAsFastAs[against]
  const verdict = found === undefined ? 'not measured' : `${found.toFixed(2)}: ${found >= times ? 'met' : 'missed'}`
  return `goal: ${of} at least ${times} x ${against}: ${verdict}`
}

if (options.help) {
  const text = readFileSync(import.meta.filename, 'utf8')
  console.log(
    text
      .slice(3, text.indexOf('*/'))
      .replaceAll(/^ \* ?/gm, '')
      .trim(),
  )
} else if (options.setup) setUp()
else {
  const say = process.stderr.isTTY ? (line: string) => void process.stderr.write(`\r\x1b[K${line}`) : () => {}
  const before = loadavg()[0]!
  const { rows, weights, placed, absent } = await race(Number(options.rows), Number(options.turns), say)
  say('')
  const noise = noiseRates()
  const cores = cpus()
  const machine = {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    node: process.version,
    load: { before, after: loadavg()[0]! },
  }
  const judged = goals.map((goal) => goalLine(goal, placed))
  if (options.json) console.log(JSON.stringify({ machine, rows, weights, placed, absent, goals: judged, noise }))
  else {
    const load = `load ${before.toFixed(1)} to ${machine.load.after.toFixed(1)}`
    console.log(
      `${machine.cpu}, ${machine.cores} cores, ${load}, Node ${machine.node}; one thread each, processor seconds`,
    )
    console.log(`clipped gradients of ${rows} records: 18 columns, 146 cells, 192 hidden, ${whole(weights)} weights`)
    for (const each of placed) console.log(lineOf(each))
    for (const line of absent) console.log(`not here: ${line}`)
    for (const line of judged) console.log(line)
    for (const { least, valuesPerSecond, timesExact } of noise)
      console.log(
        `noise of at least ${least} grid steps: ${whole(valuesPerSecond)} values/s, ${whole(timesExact)} times the exact sampler`,
      )
  }
}
