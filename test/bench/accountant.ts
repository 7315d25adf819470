/*
 * Milliseconds and error of the accountant on every reference row, and the time to calibrate.
 *
 *   npm run bench:accountant -- [--json]
 *
 * The vectors lie at ../shared/vectors/dp beside the repository; their own `t_pld_upper_s` is the baseline (dp-accounting).
 */
import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
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
  readonly ms: number
  readonly value: number
  readonly reference: number
  readonly error: number
  /** Seconds the reference implementation took when the vectors were made, on another run of a shared core. */
  readonly referenceSeconds: number | null
}

const timed = (id: string, what: Row['what'], reference: number, seconds: number | null, work: () => number): Row => {
  const started = performance.now()
  const value = work()
  const ms = performance.now() - started
  return { id, what, ms, value, reference, error: value - reference, referenceSeconds: seconds }
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
  ...readVectors<Group>(folder, 'group_patient_level').map((row) =>
    timed(
      `sigma ${row.sigma} q ${row.q} T ${row.steps} k ${row.records_per_patient}`,
      'pld-group',
      row.eps_patient_mog_pld,
      row.seconds,
      () => epsilonPld([phaseOf(row.sigma, row.q, row.steps, row.records_per_patient)], delta(row.delta)),
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

if (options.json) console.log(JSON.stringify({ machine, rows }))
else {
  console.log(machine)
  for (const { what, id, ms, value, error, referenceSeconds } of rows)
    console.log(
      [
        what.padEnd(10),
        id.padEnd(30),
        `${ms.toFixed(1)} ms`.padStart(11),
        value.toFixed(6).padStart(12),
        `error ${error.toExponential(1)}`.padStart(15),
        referenceSeconds === null ? '' : `reference took ${referenceSeconds} s`,
      ].join(' '),
    )
  for (const what of ['pld', 'rdp', 'pld-group', 'calibrate'] as const) {
    const of = rows.filter((row) => row.what === what)
    const slowest = Math.max(...of.map(({ ms }) => ms))
    const worst = Math.max(...of.map(({ error }) => Math.abs(error)))
    console.log(`${what}: ${of.length} rows, slowest ${slowest.toFixed(0)} ms, largest error ${worst.toExponential(1)}`)
  }
}
