import * as z from 'zod'
import { autoSchema } from '../synthesizers/auto/schema.ts'
import { autoregressiveSchema } from '../synthesizers/autoregressive/schema.ts'
import { ganSchema } from '../synthesizers/gan/schema.ts'
import { mixtureSchema } from '../synthesizers/mixture/schema.ts'
import { columnFileSchema, columnSchema } from './column-schema.ts'

export * from './column-schema.ts'

/**
 * The study file: YAML that people write, snake_case keys, unknown keys refused. Everything here is a public fact: names,
 * levels, bins and promised counts come from the study's authors, never from patients' rows (R19). Shapes only (columns:
 * column-schema.ts); what must hold between fields is in facts.ts, what must hold of the plan in ../dp/plan-check.ts.
 */
const text = z.string().min(1).max(200)
const positive = z.number().positive()
const whole = z.int().min(0)
const atLeastOne = z.int().min(1)

export const sourceSchema = z.strictObject({
  format: z.literal('csv'),
  header: z.boolean().default(true).describe('Whether the first line names the columns.'),
  delimiter: z.string().length(1).default(','),
  columns: z.array(text).min(1).max(4096).optional().describe('Names in file order; required when header is false.'),
  missing: z
    .array(z.string().max(200))
    .max(64)
    .default([])
    .describe('Texts that stand for a missing value; empty fields always do.'),
  encoding: z.literal('utf-8').default('utf-8'),
})

const unit = z.enum(['row', 'patient'])

const privacyFields = {
  patient_key: text.optional(),
  most_rows_per_patient: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe('Required for unit row: what the patient ledger is charged for.'),
  epsilon: positive.max(100),
  delta: z.number().positive().lt(1),
  published_comparison: z.literal(true).optional().describe('Allows delta above 1/(10 N), and prints a flag.'),
}

const privacySchema = z.strictObject({ unit, ...privacyFields })

/** With a patient key the unit is the patient unless the file says row; without one nothing but row is possible, and is said. */
const privacyFileSchema = z
  .strictObject({
    unit: unit
      .optional()
      .describe(
        'What one contribution stands for; neighbours add or remove one. Default: patient where patient_key is declared; without a key it must be row.',
      ),
    ...privacyFields,
  })
  .meta({ anyOf: [{ required: ['unit'] }, { required: ['patient_key'] }] })
  .refine((privacy) => privacy.unit !== undefined || privacy.patient_key !== undefined, {
    path: ['unit'],
    error: 'missing: a study without a patient_key must say `unit: row`',
  })
  .transform((privacy): z.output<typeof privacySchema> => ({ ...privacy, unit: privacy.unit ?? 'patient' }))

/** The families that a frozen study may have, each with its own block. */
export const familySchema = z.discriminatedUnion('name', [autoregressiveSchema, mixtureSchema, ganSchema])

/** In a study file also `auto`, which is resolved when the file is read; that it was is not for people to write. */
const familyFileSchema = z.discriminatedUnion('name', [
  autoregressiveSchema.omit({ chosen: true }),
  mixtureSchema.omit({ chosen: true }),
  ganSchema.omit({ chosen: true }),
  autoSchema,
])

export const evaluationSchema = z
  .strictObject({
    outcome: text.describe('The categorical column that a classifier, trained on synthetic rows, predicts.'),
    positive: z.array(text).min(1).max(65_535).describe('Its levels that count as positive.'),
    bins: z.int().min(4).max(64).default(16).describe('Score bins of each label.'),
    spares: z.int().min(0).max(100).default(1).describe('Attempts reserved beyond the one, paid for in advance.'),
  })
  .describe('Once, after training: the finished generator is tried on patients held out at the hospitals.')

export const siteSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, "must be 1 to 40 of a-z, 0-9 and '-', from a letter"),
  promised_patients: atLeastOne.max(1e9),
  promised_rows: atLeastOne.max(1e9),
})

const federationFields = {
  least_contributors: z
    .int()
    .min(2)
    .max(64)
    .describe('Fewest sites in a sum. Of n sites, as many as floor((n - colluders) / 4) may be absent.'),
  colluders: z.int().min(0).max(62),
  noise_shares: z.int().min(1).max(64),
  committee: z
    .int()
    .min(12)
    .max(16)
    .optional()
    .describe(
      "More than 20 sites only: how many of them hold shares of every key, the roster's committee. Default 12. Up to 20 sites all do.",
    ),
}

export const deadlinesSchema = z.strictObject({
  deal_seconds: positive.max(86_400).default(60),
  contribute_seconds: positive.max(86_400).default(600),
  answer_seconds: positive.max(86_400).default(60),
  send_every_milliseconds: z
    .int()
    .min(1)
    .max(86_400_000)
    .default(200)
    .describe(
      'A contribution leaves at a multiple of this after its work began: choose it longer than the work takes (R10).',
    ),
})

export const gridSchema = z.strictObject({
  step: positive,
  share_steps: positive,
  noise_bound: whole,
  clamp: whole,
  fold_bits: z.int().min(0).max(40),
  values_per_coefficient: z.literal([1, 2, 3]),
  slot_bits: z.int().min(1).max(57),
  scale_bits: z.int().min(1).max(57),
})

export const querySchema = z.strictObject({
  kind: z.enum(['marginals', 'pairs', 'gradient', 'scores']),
  dimension: atLeastOne,
  clip_norm: positive,
  sampling_rate: positive.max(1),
  noise_multiplier: positive,
  divisor: positive,
  steps: atLeastOne,
  attempts: atLeastOne,
  grid: gridSchema,
})

export const planSchema = z.strictObject({ threshold: atLeastOne, queries: z.array(querySchema).min(1).max(8) })

const columnList = <T extends z.ZodType>(column: T) =>
  z.array(column).min(1).max(2000).describe("In the model's order: columns that conditions will name come first.")

export const constraintsSchema = z
  .array(z.string().min(1).max(1000))
  .min(1)
  .max(64)
  .describe(
    'Rules that every released row keeps: discharged >= admitted, IF sex = male THEN pregnant = no, NEVER (age < 18 AND smoker = yes), or any condition.',
  )

/** Patients that must stand behind whatever a cohort is asked of: see `cohort_floor`. */
const leastPatients = 10
const cohortFloor = z
  .int()
  .min(0)
  .max(1e6)
  .describe(
    'A cohort, or a part of it that is asked for by itself, with fewer expected patients behind it is refused; 0: none is.',
  )

const facts = {
  tributary: z.literal('study/1'),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be 1 to 63 of a-z, 0-9 and '-'"),
  purpose: z.string().min(1).max(2000),
  source: sourceSchema,
  columns: columnList(columnSchema),
  constraints: constraintsSchema.optional(),
  privacy: privacySchema,
  family: familySchema,
  evaluation: evaluationSchema.optional(),
  sites: z.array(siteSchema).min(2).max(64),
  deadlines: deadlinesSchema.prefault({}),
}

/** What a study file may hold: federation rules may be left to their defaults, the plan may be missing. */
export const studyFileSchema = z
  .strictObject({
    ...facts,
    columns: columnList(columnFileSchema),
    privacy: privacyFileSchema,
    family: familyFileSchema,
    federation: z.strictObject(federationFields).partial().default({}),
    cohort_floor: cohortFloor.default(leastPatients),
    plan: planSchema.optional().describe('Written by `study plan --write`; never by hand.'),
  })
  .describe('A Tributary study')

/** What is frozen, hashed and approved: nothing left to a default. */
export const manifestSchema = z.strictObject({
  ...facts,
  federation: z.strictObject(federationFields),
  cohort_floor: cohortFloor.optional().describe('Absent from studies frozen before there was one: 0.'),
  plan: planSchema,
})

export type StudyFile = z.output<typeof studyFileSchema>
export type Manifest = z.output<typeof manifestSchema>
export type StudyDraft = Omit<Manifest, 'plan'> & { plan?: Plan | undefined }
export type Source = z.output<typeof sourceSchema>
export type Plan = z.output<typeof planSchema>
export type PlannedQuery = z.output<typeof querySchema>
