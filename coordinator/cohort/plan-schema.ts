import * as z from 'zod'

const share = z.number().min(0).max(1)

/** What a cohort would be, before it is drawn: read off the released model alone (R21), at no privacy cost. */
export const cohortPlanSchema = z.object({
  rows: z.int().min(1),
  seed: z.int().min(0),
  where: z.string().nullable().describe('The condition in normal form.'),
  handling: z.enum(['unconditional', 'exact', 'weighted']),
  columns: z
    .array(z.object({ name: z.string(), handling: z.enum(['exact', 'weighted']) }))
    .describe("The columns that the condition names, in the model's order."),
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
  effective_sample_size: z.number().min(0).describe('Rows that the cohort is worth: repeated rows taken off.'),
  largest_weight: z.number().min(0).describe('The largest weight of a drawn row over the mean.'),
  draws: z.int().min(0).describe('Rows drawn from the model to choose the cohort from.'),
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
  privacy_cost: z.literal(0),
})

export type CohortPlan = z.output<typeof cohortPlanSchema>
