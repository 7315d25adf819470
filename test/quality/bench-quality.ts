/*
 * How good each family's synthetic rows are at an epsilon, on patients that no model saw, beside real rows (the ceiling), independent
 * columns and MST at the same budget. Trained centrally by the product's own contributions and noise, the noise of all shares counted:
 * what another hospital would have is printed beside it (R8).
 *
 *   npm run -s bench:quality -- --data DIR [--epsilon 1,3] [--family autoregressive,mixture,gan,auto] [--seeds 3] [--from 0]
 *     [--study FILE | --schema FILE] [--unit row|patient] [--delta 1e-5] [--target 'column=level|level' ...] [--by sex,age]
 *     [--one-hospital ROWS] [--max-train ROWS] [--sites K] [--rows N] [--set key=value ...] [--no-baselines]
 *     [--engine tensorflow|wasm|cpu] [--export DIR] [--progress] [--json]
 *
 * Each seed splits the patients anew (a fifth held out). The cohort has as many rows as there were units to train on, 20,000 at
 * least. --one-hospital trains on the first ROWS training rows alone; --sites deals the patients to K sites of the plan's noise.
 * --set changes one of the family's settings for all families that have it. A family that knows outcomes is told the first target's.
 * --export writes integer-coded tables outside the repository for evaluate.py.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type EngineName, loadEngine } from '@tributary/shared/tensor/engine'
import { firstRows, mostRowsOf, readTables, somePatients } from './bench-data.ts'
import { BenchExport } from './bench-export.ts'
import { benchManifest, type BenchTerms, draftOf, familyBlock } from './bench-manifest.ts'
import {
  baselineCohort,
  baselines,
  type BenchSplit,
  familyCohort,
  type Made,
  measured,
  promisesOf,
  refusalText,
} from './bench-run.ts'
import { benchStudy, type StudyText, tableFiles } from './bench-study.ts'
import { benchTable } from './bench-table.ts'
import { type MethodRun, type MethodSummary, summaryOf } from './figure-summary.ts'
import { machine, machineText } from './machine.ts'
import { measuredStudy } from './measured-study.ts'
import { pooled, splitOf, unitsOf, weighted } from './patient-splits.ts'
import { ruleViolations } from './rule-violations.ts'

const text = { type: 'string' } as const
const { values: options } = parseArgs({
  options: {
    data: text,
    epsilon: { ...text, default: '1,3' },
    family: { ...text, default: 'autoregressive,mixture,gan,auto' },
    seeds: { ...text, default: '3' },
    from: { ...text, default: '0' },
    study: text,
    schema: text,
    unit: text,
    delta: { ...text, default: '1e-5' },
    target: { ...text, multiple: true },
    by: text,
    'one-hospital': text,
    'max-train': text,
    sites: { ...text, default: '1' },
    rows: text,
    set: { ...text, multiple: true, default: [] },
    'no-baselines': { type: 'boolean', default: false },
    engine: { ...text, default: 'tensorflow' },
    export: text,
    progress: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

const list = (given: string): string[] => given.split(',').filter((item) => item !== '')
const settingsOf = (given: readonly string[]): StudyText =>
  Object.fromEntries(
    given.map((setting) => {
      const [, key = '', value = ''] = /^([a-z_]+)=(.+)$/.exec(setting) ?? []
      if (key === '') throw new Error(`--set ${setting}: key=value, the value JSON`)
      return [key, JSON.parse(value)]
    }),
  )

const main = async (): Promise<void> => {
  if (options.data === undefined) throw new Error('--data DIR: the folder of tables, one hospital a file')
  if (options.unit !== undefined && options.unit !== 'row' && options.unit !== 'patient')
    throw new Error('--unit row or patient')
  const say = (line: string) => {
    if (options.progress) console.error(line)
  }
  const bench = benchStudy(options.data, options)
  const draft = draftOf(bench.file, bench.study)
  const unit = options.unit ?? draft.privacy.unit
  const study = measuredStudy(
    draft,
    options.target ?? bench.targets,
    options.by === undefined ? undefined : list(options.by),
    ruleViolations(draft),
  )
  const outcome = study.targets[0] && study.names[study.targets[0].column]
  const skip = (file: string) => say(`${file}: other columns, left out`)
  const tables = readTables(draft, tableFiles(options.data), skip, bench.siteColumn)
  const seeds = Array.from({ length: Number(options.seeds) }, (_, i) => Number(options.from) + i)
  const sites = Number(options.sites)
  const delta = Number(options.delta)
  const engine = await loadEngine({ prefer: options.engine as EngineName })
  const out = options.export === undefined ? null : new BenchExport(resolve(options.export), study)
  const where = machine()

  const splits = seeds.map((seed): BenchSplit => {
    const { train, heldOut } = splitOf(tables, seed)
    const all = pooled(train)
    const { 'one-hospital': one, 'max-train': most } = options
    const limited = most === undefined ? all : somePatients(all, Number(most), seed)
    const rows = one === undefined ? limited : firstRows(limited, Number(one))
    const wanted = options.rows === undefined ? Math.max(unitsOf(rows, unit), 20_000) : Number(options.rows)
    out?.write(seed, 'train', rows.cells)
    out?.write(seed, 'holdout', heldOut.cells)
    return { seed, train: rows, real: weighted(rows, unit), heldOut: weighted(heldOut, unit), rows: wanted }
  })
  const real = splits.map((split) => measured(study, split, split.real, 0))
  const sizes = {
    trained: splits.map(({ train }) => ({ rows: train.patients.length, units: unitsOf(train, unit) })),
    held_out: splits.map(({ heldOut }) => heldOut.cells.length / study.names.length),
  }
  say(`${draft.name}: real rows measured`)

  const failures: string[] = []
  const results: unknown[] = []
  if (!options.json) {
    console.log(`${machineText(where)}; ${engine.description}`)
    const [first] = sizes.trained
    console.log(
      `${draft.name} (${bench.file}): ${first?.rows} rows, ${first?.units} ${unit}s to train on, ${sizes.held_out[0]} rows held out, ` +
        `${study.names.length} columns, ${study.layout.cells} cells, ${seeds.length} seeds`,
    )
    console.log('Each figure: mean ~standard deviation over the seeds +excess over real training rows.')
  }
  for (const epsilon of list(options.epsilon).map(Number)) {
    const termsOf = ({ train }: BenchSplit): BenchTerms => ({
      unit,
      epsilon,
      delta,
      patients: unitsOf(train, 'patient'),
      rows: train.patients.length,
      mostRowsPerPatient: mostRowsOf(train),
    })
    const over = async (method: string, make: (split: BenchSplit) => Promise<Made>): Promise<MethodSummary> => {
      const runs: MethodRun[] = []
      for (const split of splits) {
        const { cells, seconds } = await make(split)
        out?.write(split.seed, `${method}-${epsilon}`, cells)
        const run = measured(study, split, { cells }, seconds)
        runs.push(run)
        say(
          `epsilon ${epsilon}, ${method}, seed ${split.seed}: TVD2 ${run.figures.tvd2?.toFixed(4)}, fitted in ${seconds.toFixed(1)} s, ` +
            `measured in ${run.seconds.measure.toFixed(1)} s`,
        )
      }
      return summaryOf(method, runs, real)
    }
    const summaries = [summaryOf('real rows', real, real)]
    if (!options['no-baselines'])
      for (const name of Object.keys(baselines) as (keyof typeof baselines)[])
        summaries.push(await over(name, (split) => baselineCohort(name, study, split, { epsilon, delta, unit })))
    const notes: { family: string; block: unknown; epsilon: { public: number; peer: number } }[] = []
    for (const family of list(options.family)) {
      try {
        const block = familyBlock(bench.study, family, settingsOf(options.set))
        const manifestOf = (split: BenchSplit) => benchManifest(bench.file, bench.study, termsOf(split), block, outcome)
        const [first] = splits
        if (first === undefined) throw new Error('no seed')
        const manifest = manifestOf(first)
        notes.push({ family, block: manifest.family, epsilon: promisesOf(manifest, sites) })
        summaries.push(await over(family, (split) => familyCohort(manifestOf(split), split, engine, sites)))
      } catch (error) {
        failures.push(`epsilon ${epsilon}, ${family}: ${refusalText(error)}`)
        console.error(failures.at(-1))
      }
    }
    results.push({ epsilon, delta, unit, families: notes, methods: summaries })
    if (options.json) continue
    console.log(`\nepsilon ${epsilon}, delta ${delta}, unit ${unit}`)
    for (const { family, block, epsilon: promised } of notes)
      console.log(
        `  ${family}: epsilon ${promised.public.toFixed(3)} to the public, ${promised.peer.toFixed(3)} to another hospital of the plan; ${JSON.stringify(block)}`,
      )
    console.log(`\n${benchTable(summaries, seeds.length)}`)
  }
  if (options.json)
    console.log(
      JSON.stringify({
        machine: { ...where, engine: engine.description },
        study: draft.name,
        seeds,
        ...sizes,
        results,
        failures,
      }),
    )
  if (failures.length > 0) process.exitCode = 1
}

try {
  await main()
} catch (error) {
  console.error(refusalText(error))
  process.exitCode = 1
}
