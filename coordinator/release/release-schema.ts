import { digitalSourceType, markColumn, releaseFormat } from '@tributary/shared/synthetic-mark'
import * as z from 'zod'
import { additionFields } from '../cohort/order.ts'
import { stratumSchema, whatIfSchema } from '../cohort/plan-schema.ts'

/**
 * release.json: what was asked, of which model, by whose contributions, and how to make it again. Unknown keys are refused when
 * it is written; a reader of another version sees that in `tributary` first.
 */
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const count = z.int().min(0)

/** Letters, digits, `-` and `_`: a release id stands unquoted in CSV, in file names and in URLs. */
export const releaseIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, "must be 1 to 64 letters, digits, '-' or '_'")

export const dataFormatSchema = z.enum(['csv', 'parquet'])
export type DataFormat = z.infer<typeof dataFormatSchema>

export const releaseSchema = z
  .strictObject({
    tributary: z.literal(releaseFormat),
    synthetic: z.literal(true),
    notice: z.string(),
    digital_source_type: z.literal(digitalSourceType),
    release: releaseIdSchema,
    created: z.iso.datetime(),
    federation: z.string(),
    purpose: z.string().describe('Why the cohort was asked for: its context of use.'),
    not_for: z.array(z.string()).min(1),
    study: z.strictObject({
      id: sha256.describe('What the hospitals approved: the manifest under the roster.'),
      name: z.string(),
      purpose: z.string(),
      manifest_sha256: sha256,
      roster_sha256: sha256,
      estimand: z.string(),
    }),
    generator: z.strictObject({
      family: z.string(),
      model_sha256: sha256,
      initial_seed: count.describe('Drew the initial weights; public.'),
    }),
    request: z.strictObject({
      rows: z.int().min(1),
      seed: count,
      where: z.string().nullable().describe('The condition in normal form.'),
      ...additionFields,
      order_sha256: sha256.optional().describe('Of the order in normal form: rows, seed and everything asked.'),
      formats: z.array(dataFormatSchema).min(1),
    }),
    outcome: z.strictObject({
      handling: z.enum(['unconditional', 'exact', 'weighted']),
      support: z.number().describe('Share of generated patients that meet the condition.'),
      support_standard_error: z.number().describe('Of reading the support off the model by trial rows.'),
      support_noise_error: z
        .number()
        .nullable()
        .default(null)
        .describe('Standard error of the support from the noise of training, at most; null where it is not known.'),
      expected_patients: z.number().describe('Support times the patients that the hospitals promised.'),
      columns: z
        .array(z.strictObject({ name: z.string(), handling: z.enum(['exact', 'weighted']) }))
        .describe('Columns that the condition names.'),
      effective_sample_size: z.number().describe('Of the rows, by the weights that made them.'),
      largest_weight: z.number(),
      cohort_floor: count.optional().describe('Fewer expected patients than this are refused by the study.'),
      strata: z.array(stratumSchema).optional().describe('Parts with rows of their own.'),
      absent: z.array(z.string()).optional().describe('Combinations that hardly any synthetic patient has: no rows.'),
      what_if: whatIfSchema.optional(),
      warnings: z.array(z.strictObject({ code: z.string(), message: z.string() })),
    }),
    contributors: z.strictObject({
      invited: count,
      must_contribute: count,
      rounds: count.describe('Rounds whose sum was opened.'),
      aborted: count.describe('Attempts that ended without a sum; each was charged.'),
      sites: z.array(z.strictObject({ site: z.string(), rounds: count })),
    }),
    privacy: z.strictObject({
      unit: z.enum(['row', 'patient']),
      epsilon: z.strictObject({ public: z.number(), peer: z.number() }),
      delta: z.number(),
      cost_of_this_release: z.literal(0),
      statement: z.literal('privacy.json'),
    }),
    data: z.strictObject({
      rows: z.int().min(1),
      columns: z.array(z.string()).min(1).describe('In file order; the mark column is last and not listed.'),
      mark_column: z.literal(markColumn),
      rows_sha256: sha256.describe(
        'SHA-256 of the rows as CSV without the mark column, whatever the formats: equal for equal orders.',
      ),
      files: z.array(z.string()).min(1),
    }),
    software: z.strictObject({ tributary: z.string(), node: z.string() }),
    reproduce: z.array(z.string()).min(1),
  })
  .describe('A Tributary release of synthetic patients')

export type ReleaseManifest = z.infer<typeof releaseSchema>
