/*
 * Seconds and memory of cohorts, unconditional and under conditions, by the layout of the diabetes5 study.
 *
 *   npm run bench:cohort -- [--rows 1000000] [--json]
 *
 * Weights are random and marginals flat: cost depends on neither, but for the rows drawn for each row kept. Baseline: the
 * unconditional cohort of the same run. Each cohort is drawn in a process of its own, so that its peak memory is its own;
 * `text` also prints every cell, as a CSV file needs.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { layoutOfColumns } from '@tributary/shared/schema/column'
import { parseManifest } from '@tributary/shared/study/manifest'
import { autoregressiveGenerator } from '@tributary/shared/synthesizers/autoregressive/generator'
import { networkOf } from '@tributary/shared/synthesizers/autoregressive/network'
import { defaultSettings } from '@tributary/shared/synthesizers/autoregressive/settings'
import type { Generator } from '@tributary/shared/generator/generator'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { cohortCsv } from '../../coordinator/cohort/cohort-csv.ts'
import { openCohort } from '../../coordinator/cohort/cohort.ts'
import { planCohort } from '../../coordinator/cohort/plan.ts'

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    json: { type: 'boolean', default: false },
    one: { type: 'string' },
    text: { type: 'boolean', default: false },
  },
})
const rows = Number(options.rows)

/** What is drawn; leading columns are exact, later ones weighted, a range cuts a bin. */
const cases: readonly { readonly name: string; readonly where: string | null; readonly text?: true }[] = [
  { name: 'unconditional (baseline)', where: null },
  { name: 'unconditional, printed', where: null, text: true },
  { name: 'exact: age', where: 'age >= "[60-70)"' },
  { name: 'weighted: a late column', where: 'readmitted = "<30"' },
  { name: 'both, with a cut', where: 'age >= "[60-70)" AND num_medications > 30 AND readmitted != NO' },
]

const file = join(import.meta.dirname, '../../deploy/samples/studies/diabetes5-patient.yaml')

const modelOf = (sizes: readonly number[]): Generator => {
  const network = networkOf(layoutOf(sizes), defaultSettings)
  const random = counterRandom(1, 9)
  const params = Float32Array.from({ length: network.dimension }, (_, i) => 0.1 * random.normal(i, 0))
  const marginals = Float64Array.from(sizes.flatMap((size) => Array<number>(size).fill(1 / size)))
  return autoregressiveGenerator({ network, params, marginals, levels: sizes.map(() => null) })
}

interface Measured {
  readonly name: string
  readonly rows: number
  /** Until the first row could be drawn: the pilots of raking and condition. */
  readonly openSeconds: number
  readonly seconds: number
  /** Of processor time: what the machine's other work does not change. */
  readonly cpuSeconds: number
  readonly peakMegabytes: number
  readonly draws: number
  readonly effectiveRows: number
}

const measure = async ({ name, where, text }: (typeof cases)[number]): Promise<Measured> => {
  const manifest = parseManifest(readFileSync(file, 'utf8'), file)
  const model = modelOf(layoutOfColumns(manifest.columns).sizes)
  const order = { rows, seed: 1, ...(where !== null && { where }) }
  const began = performance.now()
  const cohort = openCohort(manifest, model, order)
  const opened = performance.now()
  const before = process.cpuUsage()
  let seen = 0
  if (text) for await (const piece of cohortCsv(cohort, 'bench')) seen += piece.length
  else for await (const batch of cohort.batches()) seen += batch.rows
  const seconds = (performance.now() - opened) / 1000
  const { user, system } = process.cpuUsage(before)
  const cpuSeconds = (user + system) / 1e6
  if (!text && seen !== rows) throw new RangeError(`${seen} rows drawn, ${rows} ordered`)
  const peakMegabytes = process.resourceUsage().maxRSS / 1024
  const { draws, effective_sample_size: effectiveRows } = await planCohort(manifest, model, order)
  return { name, rows, openSeconds: (opened - began) / 1000, seconds, cpuSeconds, peakMegabytes, draws, effectiveRows }
}

if (options.one !== undefined) console.log(JSON.stringify(await measure(cases[Number(options.one)]!)))
else {
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} logical cores, Node ${process.versions.node}`
  const measured = cases.map((_, i): Measured => {
    const words = ['--conditions=source', import.meta.filename, '--rows', String(rows), '--one', String(i)]
    const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    return JSON.parse(stdout)
  })
  const load = loadavg()[0]!.toFixed(1)
  if (options.json) console.log(JSON.stringify({ machine, load, measured }))
  else {
    console.log(`${machine}, load ${load}`)
    for (const { name, seconds, cpuSeconds, openSeconds, peakMegabytes, draws, effectiveRows } of measured)
      console.log(
        [
          name.padEnd(26),
          `${rows} rows`.padStart(13),
          `${seconds.toFixed(1)} s`.padStart(9),
          `cpu ${cpuSeconds.toFixed(1)} s`.padStart(13),
          `${((1e6 * cpuSeconds) / rows).toFixed(1)} us/row`.padStart(14),
          `opened in ${openSeconds.toFixed(2)} s`.padStart(18),
          `peak ${peakMegabytes.toFixed(0)} MB`.padStart(13),
          `${(draws / rows).toFixed(2)} draws a row`.padStart(18),
          `worth ${Math.round(effectiveRows)}`.padStart(15),
        ].join(' '),
      )
  }
}
