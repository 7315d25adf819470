import { performance } from 'node:perf_hooks'
import { pricePlan } from '@tributary/shared/dp/plan-price'
import type { Manifest } from '@tributary/shared/study/manifest'
import type { Engine } from '@tributary/shared/tensor/engine'
import { dealt } from './bench-data.ts'
import type { MethodRun } from './figure-summary.ts'
import type { PatientRows } from './hospital-table.ts'
import type { MeasuredCodes } from './measured-codes.ts'
import type { MeasuredStudy } from './measured-study.ts'
import { type DrawRows, independentColumns, mst } from './mst/mst.ts'
import { publicEpsilon, variantOf } from './noise-variants.ts'
import type { WeightedRows } from './pairwise-distance.ts'
import { weighted } from './patient-splits.ts'
import { recordsOf, trainPooled } from './pooled-training.ts'
import { releasedRows } from './released-rows.ts'
import type { RuleViolations } from './rule-violations.ts'
import { figuresOf, type MadeRows } from './table-figures.ts'

/** One split of the patients: all that a method may see, and what it is measured on. `train` in the study's codes, else measured. */
export interface BenchSplit {
  readonly seed: number
  readonly train: PatientRows
  readonly real: MadeRows
  readonly heldOut: WeightedRows
  readonly rows: number
}

export interface Bench {
  readonly study: MeasuredStudy & { readonly codes: MeasuredCodes }
  readonly rules: RuleViolations | null
  readonly unit: 'row' | 'patient'
  /** As many sites as share the noise. */
  readonly sites: number
}

/** A method's table in measured codes, and the seconds that it took to train and draw. */
export interface Made extends MadeRows {
  readonly seconds: number
}

const timed = async (make: () => Promise<MadeRows> | MadeRows): Promise<Made> => {
  const started = performance.now()
  const made = await make()
  return { ...made, seconds: (performance.now() - started) / 1000 }
}

/** Split `seed` of the tables: rows in both kinds of codes, real rows counted against the rules. */
export const benchSplit = (
  { study, rules, unit }: Bench,
  seed: number,
  train: PatientRows,
  heldOut: PatientRows,
  rows: number,
): BenchSplit => {
  const own = (table: PatientRows) => weighted({ ...table, cells: study.codes.measured(table.cells) }, unit)
  const broken = rules?.inCodes(train.cells) ?? null
  return { seed, train, real: { ...own(train), broken }, heldOut: own(heldOut), rows }
}

/** A cohort of a family: the product's own contributions, noise, training and drawing, in the clear, at `sites` random sites. */
export const familyCohort = (
  { study, rules, sites }: Bench,
  manifest: Manifest,
  split: BenchSplit,
  engine: Engine,
): Promise<Made> => {
  const { train, seed, rows } = split
  const tables = sites === 1 ? [train] : dealt(train, sites, seed)
  return timed(async () => {
    const records = tables.map((table) => recordsOf(table, manifest))
    const model = await trainPooled(variantOf(manifest, sites), records, engine, seed)
    const { cells, broken } = await releasedRows(manifest, model, { rows, seed }, rules)
    return { cells: study.codes.measured(cells), broken }
  })
}

export const baselines = {
  independent: independentColumns,
  MST: mst,
} as const

/** A cohort of a baseline at the same epsilon and delta, units weighted as the study's are; it is given the measured codes. */
export const baselineCohort = (
  { study, rules }: Bench,
  name: keyof typeof baselines,
  split: BenchSplit,
  terms: { readonly epsilon: number; readonly delta: number },
): Promise<Made> =>
  timed(() => {
    const budget = { ...terms, seed: split.seed }
    const draw: DrawRows = baselines[name](study.layout, split.real, budget)
    const cells = draw(split.rows)
    return { cells, broken: rules?.inCodes(study.codes.spread(cells, split.seed)) ?? null }
  })

export const measured = ({ study }: Bench, split: BenchSplit, made: MadeRows, fit: number): MethodRun => {
  const started = performance.now()
  const figures = figuresOf(study, made, split.real, split.heldOut, split.seed)
  return { ...figures, seconds: { fit, measure: (performance.now() - started) / 1000 } }
}

/** What the plan promises: to the public when all noise counts, and to a hospital that knows its own share (R8). */
export const promisesOf = (manifest: Manifest, sites: number) => ({
  public: publicEpsilon(variantOf(manifest, sites)),
  peer: pricePlan(manifest).epsilon.peer.epsilon,
})

/** All that an error says, every finding of a refused study, in a line. */
export const refusalText = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error)
  return text
    .trim()
    .split(/\s*\n\s*/)
    .join('; ')
}
