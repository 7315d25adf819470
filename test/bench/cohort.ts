/*
 * Seconds and memory of cohorts from each family's generator, by the layout of the diabetes5 study (18 columns, 146 levels):
 * unconditional, printed, under conditions, under constraints.
 *
 *   npm run -s bench:cohort -- [--rows 1000000] [--family autoregressive,mixture,gan] [--case WORDS[,WORDS]] [--json]
 *
 * Generators have random weights and flat marginals: cost depends on neither, but for the rows drawn for each row kept. Baseline: the
 * unconditional cohort of the same family in the same run. Each cohort is drawn in a process of its own, so that its memory is its
 * own: resident after a tenth of the rows and at its peak.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ruledModel } from '@tributary/shared/constraint/ruled-model'
import { sampleCells } from '@tributary/shared/generator/sample'
import { layoutOfColumns } from '@tributary/shared/schema/column'
import { parseManifest } from '@tributary/shared/study/manifest'
import { cohortCsv } from '../../coordinator/cohort/cohort-csv.ts'
import { openCohort } from '../../coordinator/cohort/cohort.ts'
import { planCohort } from '../../coordinator/cohort/plan.ts'
import { benchGenerators } from './cohort-generators.ts'

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    family: { type: 'string', default: Object.keys(benchGenerators).join(',') },
    case: { type: 'string' },
    json: { type: 'boolean', default: false },
    one: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const rows = Number(options.rows)

interface Case {
  readonly name: string
  readonly where?: string
  /** Every cell as text, as a CSV file needs. */
  readonly text?: true
  readonly constraints?: readonly string[]
}

/** Leading columns are exact, later ones weighted, a range cuts a bin. */
const cases: readonly Case[] = [
  { name: 'unconditional: baseline' },
  { name: 'printed as CSV', text: true },
  { name: 'exact: age', where: 'age >= "[60-70)"' },
  { name: 'weighted: a late column', where: 'readmitted = "<30"' },
  { name: 'both with a cut', where: 'age >= "[60-70)" AND num_medications > 30 AND readmitted != NO' },
  {
    name: 'under three constraints',
    constraints: [
      'num_procedures <= num_lab_procedures',
      'IF diabetesMed = No THEN insulin = No',
      'NOT (age < "[20-30)" AND readmitted = "<30")',
    ],
  },
]

const file = join(import.meta.dirname, '../../deploy/samples/studies/diabetes5-patient.yaml')

interface Measured {
  readonly family: string
  readonly name: string
  readonly rows: number
  /** Until the first row could be drawn: the pilots of raking and condition. */
  readonly openSeconds: number
  readonly seconds: number
  /** Of processor time: what the machine's other work does not change. */
  readonly cpuSeconds: number
  /** Resident after a tenth of the rows. */
  readonly earlyMegabytes: number
  readonly peakMegabytes: number
  readonly draws: number | null
  readonly effectiveRows: number | null
}

const measure = async (family: string, { name, where, text, constraints }: Case): Promise<Measured> => {
  const manifest = parseManifest(readFileSync(file, 'utf8'), file)
  const model = benchGenerators[family]!(layoutOfColumns(manifest.columns).sizes)
  const order = { rows, seed: 1, ...(where !== undefined && { where }) }
  let seen = 0
  let early = 0
  const drew = (count: number) => {
    seen += count
    if (early === 0 && seen >= rows / 10) early = process.memoryUsage().rss / 2 ** 20
  }
  const began = performance.now()
  const ruled = constraints === undefined ? null : ruledModel({ ...manifest, constraints: [...constraints] }, model)
  const cohort = openCohort(manifest, model, order)
  const opened = performance.now()
  const before = process.cpuUsage()
  if (ruled !== null)
    for await (const cells of sampleCells(ruled.model, rows, order.seed)) drew(cells.length / ruled.printed.length)
  else if (text) for await (const piece of cohortCsv(cohort, 'bench')) drew(piece.split('\n').length - 1)
  else for await (const batch of cohort.batches()) drew(batch.rows)
  const seconds = (performance.now() - opened) / 1000
  const { user, system } = process.cpuUsage(before)
  if (seen < rows) throw new RangeError(`${seen} rows drawn, ${rows} ordered`)
  const peakMegabytes = process.resourceUsage().maxRSS / 1024
  const plan = ruled === null ? await planCohort(manifest, model, order) : null
  return {
    family,
    name,
    rows,
    openSeconds: (opened - began) / 1000,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    earlyMegabytes: early,
    peakMegabytes,
    draws: plan?.draws ?? null,
    effectiveRows: plan?.effective_sample_size ?? null,
  }
}

const lineOf = ({ family, name, rows: drawn, ...each }: Measured): string =>
  [
    family.padEnd(14),
    name.padEnd(24),
    `${each.seconds.toFixed(1)} s`.padStart(8),
    `cpu ${each.cpuSeconds.toFixed(1)} s`.padStart(12),
    `${((1e6 * each.cpuSeconds) / drawn).toFixed(1)} us/row`.padStart(12),
    `opened in ${each.openSeconds.toFixed(2)} s`.padStart(18),
    `${each.earlyMegabytes.toFixed(0)} then at most ${each.peakMegabytes.toFixed(0)} MB`.padStart(25),
    each.draws === null ? '' : `${(each.draws / drawn).toFixed(2)} draws a row`.padStart(18),
    each.effectiveRows === null ? '' : `worth ${Math.round(each.effectiveRows)}`.padStart(15),
  ].join(' ')

const asked = options.case?.split(',') ?? ['']
const families = options.family.split(',')
const chosen = families.flatMap((family) =>
  cases.filter(({ name }) => asked.some((words) => name.includes(words))).map((each) => ({ family, each })),
)
if (options.help) {
  const text = readFileSync(import.meta.filename, 'utf8')
  console.log(
    text
      .slice(3, text.indexOf('*/'))
      .replaceAll(/^ \* ?/gm, '')
      .trim(),
  )
  console.log(`cases: ${cases.map(({ name }) => name).join('; ')}`)
} else if (families.some((family) => benchGenerators[family] === undefined) || !(rows >= 1))
  throw new RangeError(`--family ${Object.keys(benchGenerators).join(',')}, --rows 1 or more`)
else if (options.one) console.log(JSON.stringify(await measure(chosen[0]!.family, chosen[0]!.each)))
else {
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} logical cores, Node ${process.versions.node}`
  const before = loadavg()[0]!
  if (!options.json) console.log(`${machine}, load ${before.toFixed(1)}; ${rows} rows each`)
  const measured = chosen.map(({ family, each: { name } }): Measured => {
    const words = ['--rows', String(rows), '--family', family, '--case', name, '--one']
    const args = ['--conditions=source', import.meta.filename, ...words]
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${family}, ${name}: ${stderr}`)
    const result: Measured = JSON.parse(stdout)
    if (!options.json) console.log(lineOf(result))
    return result
  })
  const load = { before, after: loadavg()[0]! }
  if (options.json) console.log(JSON.stringify({ machine, load, measured }))
  else console.log(`load at the end ${load.after.toFixed(1)}`)
}
