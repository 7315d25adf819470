import { type Column, columnsOf, sizeOfColumn } from '@tributary/shared/schema/column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { mostPrefixes } from '@tributary/shared/synthesizers/autoregressive/prefixes'
import { sampleWorth } from '@tributary/shared/synthesizers/autoregressive/sample-worth'
import type { ReleasedModel } from '@tributary/shared/synthesizers/autoregressive/training-state'
import { promisedPatients } from './cohort.ts'
import { conditionText } from './condition-text.ts'
import type { CohortOrder } from './order.ts'
import type { CohortPlan } from './plan-schema.ts'
import { cutWarnings, type PlanWarning, planWarnings } from './plan-warnings.ts'
import { type Selection, selectionOf } from './selection.ts'

export { type CohortPlan, cohortPlanSchema } from './plan-schema.ts'

/**
 * The plan of an order, from a pilot of the model with a fixed seed: the same for equal orders of one model. Never a look at
 * patients, never a charge. Throws `CONDITION_INVALID` and `SUPPORT_TOO_SMALL` as the cohort would.
 */
export const planCohort = async (manifest: Manifest, model: ReleasedModel, order: CohortOrder): Promise<CohortPlan> => {
  const promised = promisedPatients(manifest)
  const measured =
    order.where === undefined
      ? unconditional(model, order.rows, promised)
      : conditional(manifest, selectionOf(manifest, model, order.where), order.rows, promised)
  const { cut, ...shown } = measured
  const plan = { rows: order.rows, seed: order.seed, ...shown, privacy_cost: 0 } as const
  return { ...plan, warnings: [...planWarnings(plan), ...cut] }
}

type Measured = Omit<CohortPlan, 'rows' | 'seed' | 'warnings' | 'privacy_cost'> & { cut: PlanWarning[] }

const hundredths = (value: number): number => Math.round(100 * value) / 100

const unconditional = (model: ReleasedModel, rows: number, promised: number): Measured => {
  const { draws, effectiveRows, largestWeight } = sampleWorth(model, rows)
  return {
    where: null,
    handling: 'unconditional',
    columns: [],
    support: 1,
    support_standard_error: 0,
    expected_patients: promised,
    effective_sample_size: hundredths(effectiveRows),
    largest_weight: largestWeight,
    draws,
    cut: [],
  }
}

const conditional = (manifest: Manifest, selection: Selection, rows: number, promised: number): Measured => {
  const { condition, conditioned, named } = selection
  const columns = columnsOf(manifest)
  return {
    where: conditionText(condition),
    handling: conditioned.isExact ? 'exact' : 'weighted',
    columns: named.map((j) => ({
      name: columns[j]!.name,
      handling: j < conditioned.exactColumns ? 'exact' : 'weighted',
    })),
    support: conditioned.support,
    support_standard_error: conditioned.supportError,
    expected_patients: conditioned.support * promised,
    effective_sample_size: hundredths(conditioned.effectiveRows(rows)),
    largest_weight: conditioned.largestWeight,
    draws: conditioned.drawsFor(rows),
    cut: cutWarnings(columns, selection),
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
