import { performance } from 'node:perf_hooks'
import { StudyRefused } from '@tributary/shared/study/finding'
import { pricePlan } from '@tributary/shared/dp/plan-price'
import type { Manifest } from '@tributary/shared/study/manifest'
import type { Engine } from '@tributary/shared/tensor/engine'
import { dealt } from './bench-data.ts'
import { cohortCells } from './cohort-cells.ts'
import type { MethodRun } from './figure-summary.ts'
import type { PatientRows } from './hospital-table.ts'
import type { MeasuredStudy } from './measured-study.ts'
import { type DrawRows, independentColumns, mst } from './mst/mst.ts'
import { publicEpsilon, variantOf } from './noise-variants.ts'
import type { WeightedRows } from './pairwise-distance.ts'
import { weighted } from './patient-splits.ts'
import { recordsOf, trainPooled } from './pooled-training.ts'
import { figuresOf } from './table-figures.ts'

/** One split of the patients: all that a method may see, and what it is measured on. */
export interface BenchSplit {
  readonly seed: number
  readonly train: PatientRows
  readonly real: WeightedRows
  readonly heldOut: WeightedRows
  readonly rows: number
}

export interface Made {
  readonly cells: Uint16Array
  readonly seconds: number
}

const timed = async (make: () => Promise<Uint16Array> | Uint16Array): Promise<Made> => {
  const started = performance.now()
  const cells = await make()
  return { cells, seconds: (performance.now() - started) / 1000 }
}

/** A cohort of a family: the product's own contributions, noise and training, in the clear, at `sites` random sites. */
export const familyCohort = (manifest: Manifest, split: BenchSplit, engine: Engine, sites: number): Promise<Made> => {
  const { train, seed, rows } = split
  const tables = sites === 1 ? [train] : dealt(train, sites, seed)
  return timed(async () => {
    const records = tables.map((table) => recordsOf(table, manifest))
    return cohortCells(await trainPooled(variantOf(manifest, sites), records, engine, seed), rows, seed)
  })
}

export const baselines = {
  independent: independentColumns,
  MST: mst,
} as const

/** A cohort of a baseline at the same epsilon and delta, units weighted as the study's are. */
export const baselineCohort = (
  name: keyof typeof baselines,
  study: MeasuredStudy,
  split: BenchSplit,
  terms: { readonly epsilon: number; readonly delta: number; readonly unit: 'row' | 'patient' },
): Promise<Made> =>
  timed(() => {
    const budget = { epsilon: terms.epsilon, delta: terms.delta, seed: split.seed }
    const draw: DrawRows = baselines[name](study.layout, weighted(split.train, terms.unit), budget)
    return draw(split.rows)
  })

export const measured = (study: MeasuredStudy, split: BenchSplit, made: WeightedRows, fit: number): MethodRun => {
  const started = performance.now()
  const figures = figuresOf(study, made, split.real, split.heldOut, split.seed)
  return { ...figures, seconds: { fit, measure: (performance.now() - started) / 1000 } }
}

/** What the plan promises: to the public when all noise counts, and to a hospital that knows its own share (R8). */
export const promisesOf = (manifest: Manifest, sites: number) => ({
  public: publicEpsilon(variantOf(manifest, sites)),
  peer: pricePlan(manifest).epsilon.peer.epsilon,
})

/** Every finding of a refused study, in a line. */
export const refusalText = (error: unknown): string => {
  if (error instanceof StudyRefused) return error.message
  return error instanceof Error ? error.message : String(error)
}
