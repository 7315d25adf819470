import { type Column, columnsOf, sizeOfColumn } from '@tributary/shared/schema/column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { mostPrefixes } from '@tributary/shared/generator/prefixes'
import { sampleWorth } from '@tributary/shared/generator/sample-worth'
import type { Generator } from '@tributary/shared/generator/generator'
import { promisedPatients } from './cohort.ts'
import { conditionText } from '@tributary/shared/condition/condition-text'
import type { CohortOrder } from './order.ts'
import type { CohortPlan } from './plan-schema.ts'
import { alwaysWarning, cutWarnings, neverWarnings, type PlanWarning, planWarnings } from './plan-warnings.ts'
import { type Selection, selectionOf } from './selection.ts'
import { supportNoise } from './support-noise.ts'

export { type CohortPlan, cohortPlanSchema } from './plan-schema.ts'

/**
 * The plan of an order, from a pilot of the model with a fixed seed: the same for equal orders of one model. Never a look at
 * patients, never a charge. Throws `CONDITION_INVALID` and `SUPPORT_TOO_SMALL` as the cohort would.
 */
export const planCohort = async (manifest: Manifest, model: Generator, order: CohortOrder): Promise<CohortPlan> => {
  const promised = promisedPatients(manifest)
  const measured =
    order.where === undefined
      ? unconditional(model, order.rows, promised)
      : conditional(manifest, model, selectionOf(manifest, model, order.where), order.rows)
  const { own, ...shown } = measured
  const plan = { rows: order.rows, seed: order.seed, ...shown, privacy_cost: 0 } as const
  return { ...plan, warnings: [...planWarnings(plan), ...own] }
}

/** `own`: what the condition itself warns of. */
type Measured = Omit<CohortPlan, 'rows' | 'seed' | 'warnings' | 'privacy_cost'> & { own: PlanWarning[] }

const hundredths = (value: number): number => Math.round(100 * value) / 100

const unconditional = (model: Generator, rows: number, promised: number): Measured => {
  const { draws, effectiveRows, largestWeight } = sampleWorth(model, rows)
  return {
    where: null,
    handling: 'unconditional',
    columns: [],
    support: 1,
    support_standard_error: 0,
    support_noise_error: 0,
    expected_patients: promised,
    effective_sample_size: hundredths(effectiveRows),
    largest_weight: largestWeight,
    draws,
    own: [],
  }
}

const conditional = (manifest: Manifest, model: Generator, selection: Selection, rows: number): Measured => {
  const { condition, conditioned, named, impossible } = selection
  const columns = columnsOf(manifest)
  const promised = promisedPatients(manifest)
  const where = conditionText(condition)
  const met = (isExact: (column: number) => boolean) =>
    named.map((j) => ({ name: columns[j]!.name, handling: isExact(j) ? ('exact' as const) : ('weighted' as const) }))
  if (conditioned === null) {
    const own = [...neverWarnings(impossible), alwaysWarning]
    return { ...unconditional(model, rows, promised), where, columns: met(() => true), own }
  }
  const { isExact, exactColumns: reached } = conditioned
  return {
    where,
    handling: isExact ? 'exact' : 'weighted',
    columns: met((j) => isExact || j < reached),
    support: conditioned.support,
    support_standard_error: conditioned.supportError,
    support_noise_error: supportNoise(manifest, model, selection),
    expected_patients: conditioned.support * promised,
    effective_sample_size: hundredths(conditioned.effectiveRows(rows)),
    largest_weight: conditioned.largestWeight,
    draws: conditioned.drawsFor(rows),
    own: [...neverWarnings(impossible), ...cutWarnings(columns, selection)],
  }
}

/**
 * Leading columns on which every condition is met exactly: those whose combinations can all be written down. Conditions that
 * let few levels through reach further; cuts inside bins reach less far.
 */
export const exactColumns = (columns: readonly Column[]): number => {
  let combinations = 1
  const beyond = columns.findIndex((column) => (combinations *= sizeOfColumn(column)) > mostPrefixes)
  return beyond < 0 ? columns.length : beyond
}
