import * as z from 'zod'
import { additionFields } from './order.ts'

const share = z.number().min(0).max(1)

const support = {
  support: share.describe('Share of the synthetic population that meets the condition.'),
  support_standard_error: z.number().min(0).describe('Of reading the support off the model by trial rows.'),
  support_noise_error: z
    .number()
    .min(0)
    .nullable()
    .default(null)
    .describe('Standard error of the support from the noise of training, at most; null where it is not known.'),
  expected_patients: z
    .number()
    .min(0)
    .describe(
      'Support times the patients that the sites promised: never a count, and as uncertain as both errors of the support say.',
    ),
}
const handling = z.enum(['exact', 'weighted'])
const worth = {
  effective_sample_size: z.number().min(0).describe('Rows that the cohort is worth: repeated rows taken off.'),
  largest_weight: z.number().min(0).describe('The largest weight of a drawn row over the mean.'),
  draws: z.int().min(0).describe('Rows drawn from the model to choose the cohort from.'),
}

/** A part of a cohort with a number of rows of its own. */
export const stratumSchema = z.object({
  condition: z.string().describe("What tells its rows from the others', the order's condition aside."),
  ...support,
  share_before: share.describe('Of those who meet the condition of the order, without reweighting.'),
  rows: z.int().min(0),
  handling,
  ...worth,
})

/** Columns set to a value, and what comes after them made again. */
export const whatIfSchema = z.object({
  condition: z.string().describe('Who is so anyway, the condition of the order included.'),
  ...support,
  kept: z.array(z.string()).describe('Columns that stay as drawn.'),
  made_again: z.array(z.string()).describe("Columns drawn again, given the ones before, in the model's order."),
})

/** What a cohort would be, before it is drawn: read off the released model alone (R21), at no privacy cost. */
export const cohortPlanSchema = z.object({
  rows: z.int().min(1),
  seed: z.int().min(0),
  where: z.string().nullable().describe('The condition in normal form.'),
  ...additionFields,
  handling: z.enum(['unconditional', 'exact', 'weighted']),
  columns: z
    .array(z.object({ name: z.string(), handling }))
    .describe("The columns that conditions name, in the model's order."),
  ...support,
  ...worth,
  cohort_floor: z.int().min(0).default(0).describe('Fewer expected patients than this are refused.'),
  strata: z.array(stratumSchema).optional().describe('Where shares are asked for: parts with rows of their own.'),
  absent: z.array(z.string()).optional().describe('Combinations that hardly any synthetic patient has: no rows.'),
  what_if: whatIfSchema.optional(),
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
  privacy_cost: z.literal(0),
})

export type CohortPlan = z.output<typeof cohortPlanSchema>
export type StratumPlan = z.output<typeof stratumSchema>
