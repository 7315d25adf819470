/*
 * Milliseconds and error of the accountant on every reference row, and the time to calibrate, beside what the reference took.
 *
 *   npm run bench:accountant -- [--json]
 *
 * The vectors lie at ../shared/vectors/dp beside the repository; the seconds recorded in them are the only baseline here: of
 * dp-accounting (numpy), when the vectors were made, on a shared core of another machine. Not of this run: compare orders of magnitude.
 */
import { existsSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { epsilonPld, epsilonRdp, type Phase } from '@tributary/shared/dp/accountant'
import { calibrateNoise } from '@tributary/shared/dp/calibrate'
import { type Delta, delta, epsilon, samplingRate } from '@tributary/shared/units'
import { phaseOf, planOf, readVectors, type VectorPlan } from '../harness/dp-vectors.ts'

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const machine = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} logical cores, Node ${process.versions.node}`
const folder = join(import.meta.dirname, '../../../shared/vectors/dp')
if (!existsSync(folder)) {
  console.log('NOT RUN: reference vectors missing (expected at ../shared/vectors/dp)')
  process.exit(1)
}

interface Row {
  readonly id: string
  readonly what: 'pld' | 'rdp' | 'pld-group' | 'calibrate'
  /** Of processor time: what one core takes, whatever else runs. */
  readonly ms: number
  readonly value: number
  readonly reference: number
  /** value - reference; of RDP over the reference. */
  readonly error: number
  /** What the reference implementation took when the vectors were made, on a shared core of another machine. */
  readonly referenceSeconds: number | null
}

const timed = (id: string, what: Row['what'], reference: number, seconds: number | null, work: () => number): Row => {
  const started = process.cpuUsage()
  const value = work()
  const { user, system } = process.cpuUsage(started)
  const ms = (user + system) / 1000
  const error = (value - reference) / (what === 'rdp' ? reference : 1)
  return { id, what, ms, value, reference, error, referenceSeconds: seconds }
}

const plans = ['single', 'hetero'].flatMap((file) => readVectors<VectorPlan & { t_pld_upper_s: number }>(folder, file))
// One pass to compile the code; the second is measured.
const measure = (work: () => Row[]): Row[] => {
  work()
  return work()
}

interface Group {
  readonly sigma: number
  readonly q: number
  readonly steps: number
  readonly delta: number
  readonly records_per_patient: number
  readonly eps_patient_mog_pld: number
  readonly seconds: number
}
interface Target {
  readonly target_eps: number
  readonly delta: number
  readonly q: number
  readonly steps: number
  readonly sigma_pld: number
}
const each = (work: (phases: readonly Phase[], bound: Delta) => number, row: VectorPlan) => () => {
  const { phases, delta } = planOf(row)
  return work(phases, delta)
}

const rows = [
  ...measure(() =>
    plans.map((row) => timed(row.id, 'pld', row.eps_pld_upper, row.t_pld_upper_s, each(epsilonPld, row))),
  ),
  ...measure(() =>
    plans.map((row) =>
      timed(
        row.id,
        'rdp',
        row.eps_rdp_opacus,
        null,
        each((phases, bound) => epsilonRdp(phases, bound).epsilon, row),
      ),
    ),
  ),
  ...measure(() =>
    readVectors<Group>(folder, 'group_patient_level').map((row) =>
      timed(
        `sigma ${row.sigma} q ${row.q} T ${row.steps} k ${row.records_per_patient}`,
        'pld-group',
        row.eps_patient_mog_pld,
        row.seconds,
        () => epsilonPld([phaseOf(row.sigma, row.q, row.steps, row.records_per_patient)], delta(row.delta)),
      ),
    ),
  ),
  ...readVectors<Target>(folder, 'calibration').map((row) =>
    timed(`epsilon ${row.target_eps} q ${row.q} T ${row.steps}`, 'calibrate', row.sigma_pld, null, () =>
      calibrateNoise({
        target: epsilon(row.target_eps),
        delta: delta(row.delta),
        samplingRate: samplingRate(row.q),
        steps: row.steps,
      }),
    ),
  ),
]

const summary = (['pld', 'rdp', 'pld-group', 'calibrate'] as const).map((what) => {
  const of = rows.filter((row) => row.what === what)
  const timedToo = of.filter(({ referenceSeconds }) => referenceSeconds !== null)
  const seconds = (part: readonly Row[]): number => part.reduce((sum, { ms }) => sum + ms, 0) / 1000
  const referenceSeconds = timedToo.reduce((sum, row) => sum + (row.referenceSeconds ?? 0), 0)
  const slowest = of.reduce((one, other) => (other.ms > one.ms ? other : one))
  return {
    what,
    rows: of.length,
    seconds: seconds(of),
    slowest: { id: slowest.id, ms: slowest.ms },
    largestError: Math.max(...of.map(({ error }) => Math.abs(error))),
    baseline: timedToo.length === 0 ? null : { seconds: referenceSeconds, ratio: referenceSeconds / seconds(timedToo) },
  }
})

if (options.json) console.log(JSON.stringify({ machine, load: loadavg()[0], summary, rows }))
else {
  console.log(
    `${machine}, load ${loadavg()[0]?.toFixed(1)}; processor time; errors against the vectors, RDP's relative`,
  )
  for (const { what, id, ms, value, error, referenceSeconds } of rows)
    console.log(
      [
        what.padEnd(10),
        id.padEnd(30),
        `${ms.toFixed(1)} ms`.padStart(11),
        value.toFixed(6).padStart(12),
        `error ${error.toExponential(1)}`.padStart(15),
        referenceSeconds === null
          ? ''
          : `baseline ${referenceSeconds} s, ratio ${((1000 * referenceSeconds) / ms).toFixed(0)}`,
      ]
        .join(' ')
        .trimEnd(),
    )
  for (const { what, rows: count, seconds, slowest, largestError, baseline } of summary)
    console.log(
      [
        `${what}: ${count} rows in ${seconds.toFixed(2)} s`,
        `slowest ${slowest.ms.toFixed(0)} ms (${slowest.id})`,
        `largest error ${largestError.toExponential(1)}`,
        ...(baseline ? [`baseline ${baseline.seconds.toFixed(0)} s, ratio ${baseline.ratio.toFixed(0)}`] : []),
      ].join(', '),
    )
}
