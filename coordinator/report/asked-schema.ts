import * as z from 'zod'

const text = z.string()
const number = (what: string) => z.number().describe(what)
const count = (what: string) => z.int().min(0).describe(what)
const share = (what: string) => z.number().min(0).max(1).describe(what)

const partSchema = {
  support: share('Share of the synthetic population that meets the condition.'),
  support_standard_error: number('Of reading the support off the model by trial rows.'),
  support_noise_error: number(
    'Standard error of the support from the noise of training, at most; null where it is not known.',
  ).nullable(),
  expected_patients: number('Support times the patients that the sites promised.'),
}

const stratumSchema = z.strictObject({
  condition: text,
  ...partSchema,
  share_before: share('Of those who meet the condition of the order, without reweighting.'),
  rows: count('Rows of this stratum.'),
  handling: z.enum(['exact', 'weighted']),
  draws: count('Rows drawn from the model to choose the stratum from.'),
  effective_sample_size: number('Rows that the stratum is worth: repeated rows taken off.'),
  largest_weight: number('The largest weight of a drawn row over the mean.'),
})

const whatIfSchema = z.strictObject({
  condition: text,
  ...partSchema,
  kept: z.array(text),
  made_again: z.array(text),
})

/** What was asked, and how it was met: the order in normal form, its strata, its what-if. */
export const askedSchema = z.strictObject({
  rows: count('Rows of the cohort.'),
  seed: count('Draws the cohort; equal seeds give equal bytes.'),
  where: text.nullable().describe('The condition in normal form.'),
  reweight: z.array(z.strictObject({ condition: text, share: share('Of the rows of the cohort.') })).optional(),
  balance: z.array(text).optional(),
  augment: z.strictObject({ condition: text, times: number('Times as many, for each of the others.') }).optional(),
  set: z.array(text).optional(),
  strata: z.array(stratumSchema).optional(),
  absent: z.array(text).optional().describe('Combinations that hardly any synthetic patient has: no rows.'),
  what_if: whatIfSchema.optional(),
  cohort_floor: count('Fewer expected patients than this are refused by the study.'),
  handling: z.enum(['unconditional', 'exact', 'weighted']),
  handling_sentence: text,
  columns: z.array(z.strictObject({ name: text, handling: z.enum(['exact', 'weighted']) })),
  draws: count('Rows drawn from the model to choose the cohort from.'),
  effective_sample_size: number('Rows that the cohort is worth: duplicates and weights taken off.'),
  largest_weight: number('The largest weight of a drawn row over the mean.'),
})
