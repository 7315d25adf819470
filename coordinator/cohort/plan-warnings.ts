import { type Column, levelName } from '@tributary/shared/schema/column'
import { type ImpossiblePart, impossibleText } from '@tributary/shared/condition/impossible-parts'
import type { StratumPlan } from './plan-schema.ts'
import type { Selection } from './selection.ts'

export interface PlanWarning {
  readonly code: string
  readonly message: string
}

/** Below this many patients a synthetic sub-population is mostly noise and the model's guess. */
const fewPatients = 20
/** Rows for each patient beyond which a cohort pretends to more than it knows. */
const manyRows = 2
const weakShare = 0.5
const largeWeight = 20
const looseSupport = 0.1

/** What of a plan is judged. */
interface Judged {
  readonly rows: number
  readonly support: number
  readonly support_standard_error: number
  readonly support_noise_error?: number | null
  readonly expected_patients: number
  readonly effective_sample_size: number
  readonly largest_weight: number
}

/** What a reader must know before using the cohort, from the model's own figures. */
export const planWarnings = (plan: Judged): PlanWarning[] => {
  const { rows, support, support_standard_error: error, expected_patients: patients } = plan
  const noise = plan.support_noise_error ?? 0
  const people = patients < 1 ? 'less than one patient' : `about ${Math.round(patients)} patients`
  const found: (PlanWarning | false)[] = [
    patients < fewPatients && {
      code: 'few_patients',
      message: `${people} behind this condition: what the cohort says of them is mostly noise and smoothing`,
    },
    rows > manyRows * patients && {
      code: 'extrapolation',
      message: `${rows} rows from ${people}: more rows do not hold more information`,
    },
    error > looseSupport * support && {
      code: 'support_uncertain',
      message: `the support is known to ${Math.round((100 * error) / support)} % only`,
    },
    noise > looseSupport * support && {
      code: 'support_noisy',
      message: `the noise of training leaves the support uncertain by ${Math.round((100 * noise) / support)} %`,
    },
    plan.effective_sample_size < weakShare * rows && {
      code: 'low_effective_sample',
      message: `the cohort is worth ${Math.round(plan.effective_sample_size)} rows: the others repeat them`,
    },
    plan.largest_weight > largeWeight && {
      code: 'large_weights',
      message: `one draw in the trial weighed ${Math.round(plan.largest_weight)} times the mean: rare rows may come twice`,
    },
  ]
  return found.filter((warning) => warning !== false)
}

/** A bin that the condition cuts: the model knows nothing of what lies inside it. */
export const cutWarnings = (
  columns: readonly Column[],
  { printed, named }: Pick<Selection, 'printed' | 'named'>,
): PlanWarning[] =>
  named.flatMap((j) => {
    const { parent, share: shares } = printed[j]!
    const cut = new Set(Array.from(parent).filter((_, cell) => shares[cell]! < 1))
    if (cut.size === 0) return []
    const bins = [...cut].map((code) => levelName(columns[j]!, code)).join(', ')
    return [
      {
        code: 'bin_cut',
        message: `${columns[j]!.name}: values inside ${bins} are drawn evenly; their split is an assumption, not learned`,
      },
    ]
  })

/** Strata that are judged as cohorts are; of more than these the worst. */
const mostStrataNamed = 5

/** What a reader must know of single strata: each named, those with the fewest patients a row first. */
export const stratumWarnings = (strata: readonly StratumPlan[]): PlanWarning[] => {
  const found = strata
    .filter(({ rows }) => rows > 0)
    .toSorted((a, b) => a.expected_patients / a.rows - b.expected_patients / b.rows)
    .flatMap((stratum) => planWarnings(stratum).map((warning) => ({ ...warning, condition: stratum.condition })))
  return [...Map.groupBy(found, ({ code }) => code)].flatMap(([code, warnings]) => [
    ...warnings
      .slice(0, mostStrataNamed)
      .map(({ message, condition }) => ({ code, message: `${condition}: ${message}` })),
    ...(warnings.length > mostStrataNamed
      ? [{ code, message: `and so for ${warnings.length - mostStrataNamed} more strata` }]
      : []),
  ])
}

/** Combinations that get no row. */
export const absentWarnings = (absent: readonly string[]): PlanWarning[] =>
  absent.length === 0
    ? []
    : [
        {
          code: 'strata_absent',
          message: `hardly a synthetic patient is ${absent.slice(0, mostStrataNamed).join('; ')}${absent.length > mostStrataNamed ? ` and ${absent.length - mostStrataNamed} more` : ''}: no rows`,
        },
      ]

/** What a what-if is not. */
export const whatIfWarning: PlanWarning = {
  code: 'not_causal',
  message:
    "columns after the one set follow the model's associations in the order of the study's columns: this is what the model predicts, not what would happen to patients",
}

/** Parts of a condition that count as false. */
export const neverWarnings = (parts: readonly ImpossiblePart[]): PlanWarning[] =>
  parts.length === 0 ? [] : [{ code: 'never_met', message: `no patient can meet ${impossibleText(parts)}` }]

export const alwaysWarning: PlanWarning = {
  code: 'always_met',
  message: 'every patient meets the condition: the cohort is the one without it',
}
