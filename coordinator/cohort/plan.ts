import { conditionText } from '@tributary/shared/condition/condition-text'
import type { ConditionedModel } from '@tributary/shared/generator/conditioned-model'
import type { Generator } from '@tributary/shared/generator/generator'
import { mostPrefixes } from '@tributary/shared/generator/prefixes'
import { sampleWorth } from '@tributary/shared/generator/sample-worth'
import { type Column, columnsOf, sizeOfColumn } from '@tributary/shared/schema/column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { type BoundOrder, boundOrder } from './bound-order.ts'
import type { Strata } from './bound-strata.ts'
import { openCohort, stratumRows } from './cohort.ts'
import { cohortFloor, promisedPatients } from './cohort-floor.ts'
import type { CohortOrder } from './order.ts'
import type { CohortPlan, StratumPlan } from './plan-schema.ts'
import {
  absentWarnings,
  alwaysWarning,
  cutWarnings,
  neverWarnings,
  type PlanWarning,
  planWarnings,
  stratumWarnings,
  whatIfWarning,
} from './plan-warnings.ts'
import type { Selection } from './selection.ts'
import { supportNoise } from './support-noise.ts'
import type { WhatIf } from './what-if.ts'

export { type CohortPlan, cohortPlanSchema } from './plan-schema.ts'

/**
 * The plan of an order, from a pilot of the model with a fixed seed: the same for equal orders of one model. Never a look at
 * patients, never a charge. Throws what `openCohort` would.
 */
export const planCohort = async (manifest: Manifest, released: Generator, order: CohortOrder): Promise<CohortPlan> => {
  const bound = boundOrder(manifest, released, order)
  if (bound.whatIf !== null && manifest.constraints !== undefined) await tryFirstRows(manifest, released, order)
  const { model, where, selection, strata, whatIf, additions } = bound
  const base =
    selection === null
      ? everybody(model, order.rows, promisedPatients(manifest))
      : some(manifest, model, selection, order.rows)
  const parts = strata === null ? null : stratumPlans(manifest, model, strata, order.rows)
  const plan = {
    rows: order.rows,
    seed: order.seed,
    where: where === null ? null : conditionText(where.condition),
    ...additions,
    ...base,
    ...(parts !== null && together(parts, order.rows)),
    columns: handledColumns(manifest, bound),
    cohort_floor: cohortFloor(manifest),
    ...(parts !== null && { strata: parts, absent: [...(strata?.absent ?? [])] }),
    ...(whatIf !== null && { what_if: whatIfPlan(manifest, model, whatIf) }),
    privacy_cost: 0,
  } as const
  const own = ownWarnings(manifest, bound)
  const ofRows =
    parts === null
      ? planWarnings(plan)
      : [...planWarnings({ ...plan, rows: 0, largest_weight: 0 }), ...stratumWarnings(parts)]
  return { ...plan, warnings: [...ofRows, ...own] }
}

const triedRows = 2048

/** Rows that the study's constraints keep from having the values set are told before the order is accepted, as far as its first rows show. */
const tryFirstRows = async (manifest: Manifest, released: Generator, order: CohortOrder): Promise<void> => {
  const first = openCohort(manifest, released, { ...order, rows: Math.min(order.rows, triedRows) })
  for await (const batch of first.batches()) if (batch.rows >= triedRows) return
}

const hundredths = (value: number): number => Math.round(100 * value) / 100

/** What is measured of any part of the population. */
type Measured = Pick<
  CohortPlan,
  | 'handling'
  | 'support'
  | 'support_standard_error'
  | 'support_noise_error'
  | 'expected_patients'
  | 'effective_sample_size'
  | 'largest_weight'
  | 'draws'
>

const everybody = (model: Generator, rows: number, promised: number): Measured => {
  const { draws, effectiveRows, largestWeight } = sampleWorth(model, rows)
  return {
    handling: 'unconditional',
    support: 1,
    support_standard_error: 0,
    support_noise_error: 0,
    expected_patients: promised,
    effective_sample_size: hundredths(effectiveRows),
    largest_weight: largestWeight,
    draws,
  }
}

const some = (manifest: Manifest, model: Generator, selection: Selection, rows: number) => ({
  ...supportOf(manifest, model, selection),
  ...worthOf(selection.conditioned, rows),
})

const supportOf = (manifest: Manifest, model: Generator, selection: Selection) => {
  const { support, supportError } = selection.conditioned
  return {
    support,
    support_standard_error: supportError,
    support_noise_error: supportNoise(manifest, model, selection),
    expected_patients: support * promisedPatients(manifest),
  }
}

const worthOf = (conditioned: ConditionedModel, rows: number) => ({
  handling: conditioned.isExact ? ('exact' as const) : ('weighted' as const),
  effective_sample_size: rows === 0 ? 0 : hundredths(conditioned.effectiveRows(rows)),
  largest_weight: conditioned.largestWeight,
  draws: rows === 0 ? 0 : conditioned.drawsFor(rows),
})

const stratumPlans = (manifest: Manifest, model: Generator, strata: Strata, rows: number): StratumPlan[] => {
  const quotas = stratumRows(strata, rows)
  const whole = strata.strata.reduce((sum, { mass }) => sum + mass, 0)
  return strata.strata.map((stratum, i) => ({
    condition: stratum.text,
    ...supportOf(manifest, model, stratum),
    share_before: Math.min(1, stratum.mass / whole),
    rows: quotas[i]!,
    ...worthOf(stratum.conditioned, quotas[i]!),
  }))
}

/** Of all strata: rows are repeated within a stratum only, so that the repetitions add up (Kish 1965). */
const together = (parts: readonly StratumPlan[], rows: number) => {
  const drawn = parts.filter((part) => part.rows > 0)
  const copies = drawn.reduce((sum, part) => sum + part.rows ** 2 / part.effective_sample_size, 0)
  return {
    handling: drawn.every(({ handling }) => handling === 'exact') ? ('exact' as const) : ('weighted' as const),
    effective_sample_size: hundredths(Math.min(rows, rows ** 2 / copies)),
    largest_weight: Math.max(...drawn.map((part) => part.largest_weight)),
    draws: drawn.reduce((sum, part) => sum + part.draws, 0),
  }
}

const whatIfPlan = (manifest: Manifest, model: Generator, { alike, kept, madeAgain }: WhatIf) => ({
  condition: alike.text,
  ...supportOf(manifest, model, alike),
  kept: kept.map((column) => manifest.columns[column]!.name),
  made_again: madeAgain.map((column) => manifest.columns[column]!.name),
})

/** A column is exact where every model that draws rows meets its part of the conditions exactly. */
const handledColumns = (manifest: Manifest, { where, selection, strata }: BoundOrder): CohortPlan['columns'] => {
  const drawn = strata?.strata.filter(({ share }) => share > 0) ?? (selection === null ? [] : [selection])
  const named = new Set([...(where?.named ?? []), ...drawn.flatMap((one) => one.named)])
  return manifest.columns.flatMap(({ name }, j) => {
    if (!named.has(j)) return []
    const isExact = drawn.every(
      ({ conditioned, named: own }) => conditioned.isExact || j < conditioned.exactColumns || !own.includes(j),
    )
    return [{ name, handling: isExact ? ('exact' as const) : ('weighted' as const) }]
  })
}

const ownWarnings = (manifest: Manifest, { where, selection, strata, whatIf }: BoundOrder): PlanWarning[] => {
  const columns = columnsOf(manifest)
  const cut = strata?.strata[0] ?? selection
  const named = [...new Set([selection, ...(strata?.strata ?? [])].flatMap((one) => one?.named ?? []))].sort(
    (a, b) => a - b,
  )
  return [
    ...(where === null ? [] : neverWarnings(where.impossible)),
    ...(where?.isAlways ? [alwaysWarning] : []),
    ...(cut ? cutWarnings(columns, { printed: cut.printed, named }) : []),
    ...(strata === null ? [] : absentWarnings(strata.absent)),
    ...(whatIf === null ? [] : [whatIfWarning]),
  ]
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
