/*
 * `npm run -s bench:quality -- --help`: how good each family's synthetic rows are at an epsilon, on patients that no model saw, beside
 * real rows, independent columns and MST. Trained centrally by the product's own contributions and noise, the noise of all shares
 * counted: what another hospital would have is printed beside it (R8).
 */
import { existsSync, writeFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { type Engine, loadEngine } from '@tributary/shared/tensor/engine'
import { firstRows, mostRowsOf, readTables, somePatients } from './bench-data.ts'
import { BenchExport } from './bench-export.ts'
import { benchManifest, type BenchTerms, draftOf, familyBlock, unknownSettings } from './bench-manifest.ts'
import { benchHelp, type BenchOptions, benchOptions, BenchUsage } from './bench-options.ts'
import {
  baselineCohort,
  baselines,
  type Bench,
  type BenchSplit,
  benchSplit,
  familyCohort,
  type Made,
  measured,
  promisesOf,
  refusalText,
} from './bench-run.ts'
import { type BenchStudy, benchStudy } from './bench-study.ts'
import { benchTable } from './bench-table.ts'
import { type MethodRun, type MethodSummary, summaryOf } from './figure-summary.ts'
import { machine, machineText } from './machine.ts'
import { measuredStudy } from './measured-study.ts'
import { pooled, splitOf, unitsOf } from './patient-splits.ts'
import { ruleViolations } from './rule-violations.ts'

/** All that a run needs, the tables read and split. */
interface Prepared {
  readonly known: BenchStudy
  readonly name: string
  readonly bench: Bench
  readonly splits: readonly BenchSplit[]
  readonly notes: readonly string[]
  readonly out: BenchExport | null
}

const prepare = (options: BenchOptions): Prepared => {
  const known = benchStudy(options.data, options.tables)
  const draft = draftOf(known.file, known.study)
  const left: string[] = []
  const tables = readTables(draft, known.files, (file) => left.push(basename(file)), known.siteColumn)
  const all = pooled(tables)
  const unit = options.unit ?? draft.privacy.unit
  const study = measuredStudy(draft, options.targets ?? known.targets, options.by, all.cells)
  const bench: Bench = { study, rules: ruleViolations(draft), unit, sites: options.sites }
  const out = options.export === undefined ? null : new BenchExport(resolve(options.export), study)
  const splits = options.seeds.map((seed) => {
    const { train, heldOut } = splitOf(tables, seed)
    const { oneHospital: one, maxTrain: most } = options
    const limited = most === undefined ? pooled(train) : somePatients(pooled(train), most, seed)
    const rows = one === undefined ? limited : firstRows(limited, one)
    const wanted = options.rows ?? Math.max(unitsOf(rows, unit), 20_000)
    const split = benchSplit(bench, seed, rows, heldOut, wanted)
    out?.write(seed, 'train', split.real.cells)
    out?.write(seed, 'holdout', split.heldOut.cells)
    return split
  })
  const { merged } = study.codes
  const notes = [
    ...known.notes,
    ...(left.length === 0 ? [] : [`left out, other columns: ${left.join(', ')} (--table NAME chooses)`]),
    ...(merged.length === 0
      ? []
      : [`measured in runs of their many levels, which the baselines are given for nothing: ${merged.join(', ')}`]),
    ...(study.targets.length > 0 ? [] : ['no target is known: no AUC and no calibration (--target column=level)']),
  ]
  return { known, name: draft.name, bench, splits, notes, out }
}

/** All methods at one epsilon. */
const atEpsilon = async (
  { known, bench, splits, out }: Prepared,
  options: BenchOptions,
  epsilon: number,
  real: readonly MethodRun[],
  engine: Engine,
  say: (line: string) => void,
) => {
  const { delta } = options
  const { unit, study, sites } = bench
  const summaries = [summaryOf('real rows', real, real)]
  const over = async (method: string, make: (split: BenchSplit) => Promise<Made>): Promise<MethodSummary> => {
    const runs: MethodRun[] = []
    for (const split of splits) {
      const made = await make(split)
      out?.write(split.seed, `${method}-${epsilon}`, made.cells)
      const run = measured(bench, split, made, made.seconds)
      runs.push(run)
      const { measure } = run.seconds
      const took = `fitted in ${made.seconds.toFixed(1)} s, measured in ${measure.toFixed(1)} s`
      say(`epsilon ${epsilon}, ${method}, seed ${split.seed}: TVD2 ${run.figures.tvd2?.toFixed(4)}, ${took}`)
    }
    return summaryOf(method, runs, real)
  }
  if (options.baselines)
    for (const name of Object.keys(baselines) as (keyof typeof baselines)[])
      summaries.push(await over(name, (split) => baselineCohort(bench, name, split, { epsilon, delta })))
  const failures: string[] = []
  const families: { family: string; block: unknown; epsilon: { public: number; peer: number } }[] = []
  const outcome = study.targets[0] && study.names[study.targets[0].column]
  for (const family of options.families) {
    try {
      const block = familyBlock(known.study, family, options.settings, outcome)
      const manifestOf = ({ train }: BenchSplit) => {
        const terms: BenchTerms = {
          unit,
          epsilon,
          delta,
          patients: unitsOf(train, 'patient'),
          rows: train.patients.length,
          mostRowsPerPatient: mostRowsOf(train),
        }
        return benchManifest(known.file, known.study, terms, block)
      }
      const manifest = manifestOf(splits[0]!)
      families.push({ family, block: manifest.family, epsilon: promisesOf(manifest, sites) })
      summaries.push(await over(family, (split) => familyCohort(bench, manifestOf(split), split, engine)))
    } catch (error) {
      failures.push(`epsilon ${epsilon}, ${family}: ${refusalText(error)}`)
    }
  }
  return { epsilon, delta, unit, families, methods: summaries, failures }
}

const run = async (options: BenchOptions): Promise<void> => {
  const say = (line: string) => {
    if (options.progress) console.error(line)
  }
  const unknown = unknownSettings(options.families, options.settings)
  if (unknown.length > 0) throw new BenchUsage(`--set ${unknown.join(', ')}: no family asked for has this setting`)
  if (options.writeSchema !== undefined) {
    const { schema, notes } = benchStudy(options.data, options.tables)
    if (schema === undefined) throw new BenchUsage('--write-schema: these tables have a study of their own')
    writeFileSync(options.writeSchema, `${JSON.stringify(schema, null, 1)}\n`, { mode: 0o600 })
    for (const note of notes) console.error(`note: ${note}`)
    console.log(
      `${options.writeSchema}: ${Object.keys(schema).length} columns; run again with --schema ${options.writeSchema}`,
    )
    return
  }
  const where = machine()
  const prepared = prepare(options)
  const { bench, splits, name, known, notes } = prepared
  if (!options.quiet) for (const note of notes) console.error(`note: ${note}`)
  const { study, unit } = bench
  const engine = await loadEngine({ prefer: options.engine })
  const real = splits.map((split) => measured(bench, split, split.real, 0))
  const trained = splits.map(({ train }) => ({ rows: train.patients.length, units: unitsOf(train, unit) }))
  const heldOut = splits.map(({ heldOut: rows }) => rows.cells.length / study.names.length)
  say(`${name}: real rows measured`)
  if (!options.json) {
    const [first] = trained
    console.log(`${machineText(where)}; ${engine.description}`)
    console.log(
      `${name} (${existsSync(known.file) ? known.file : known.files.join(', ')}): ${first?.rows} rows, ${first?.units} ${unit}s to train on, ${heldOut[0]} rows held out, ` +
        `${study.names.length} columns, ${study.layout.cells} cells, ${splits.length} seeds`,
    )
    console.log('Each figure: mean ~standard deviation over the seeds +excess over real training rows.')
  }
  const results: Awaited<ReturnType<typeof atEpsilon>>[] = []
  for (const epsilon of options.epsilons) {
    const result = await atEpsilon(prepared, options, epsilon, real, engine, say)
    results.push(result)
    for (const failure of result.failures) console.error(failure)
    if (options.json) continue
    console.log(`\nepsilon ${epsilon}, delta ${options.delta}, unit ${unit}`)
    for (const { family, block, epsilon: promised } of result.families) {
      const held = `epsilon ${promised.public.toFixed(3)} to the public, ${promised.peer.toFixed(3)} to another hospital of the plan`
      console.log(`  ${family}: ${held}; ${JSON.stringify(block)}`)
    }
    console.log(`\n${benchTable(result.methods, splits.length)}`)
  }
  const failures = results.flatMap((result) => result.failures)
  if (failures.length > 0) process.exitCode = 1
  if (!options.json) return
  const described = { ...where, engine: engine.description }
  const seeds = options.seeds
  console.log(
    JSON.stringify({ machine: described, study: name, seeds, notes, trained, held_out: heldOut, results, failures }),
  )
}

try {
  const options = benchOptions(process.argv.slice(2), process.stderr.isTTY)
  if (options === null) console.log(benchHelp)
  else await run(options)
} catch (error) {
  const hint = error instanceof BenchUsage ? ' (--help has all options)' : ''
  console.error(`bench:quality: ${refusalText(error)}${hint}`)
  process.exitCode = error instanceof BenchUsage ? 2 : 1
}
