import { calendarSteps } from '@tributary/shared/study/study-schema'
import * as z from 'zod'
import { additionFields, cohortOrderSchema } from '../cohort/order.ts'
import { cohortPlanSchema } from '../cohort/plan-schema.ts'

/**
 * The researchers' HTTP API, version 1: every body that goes in or comes out, in snake_case. The server validates with these
 * and makes docs/openapi.json of them; the client parses with them. What goes in refuses unknown keys and names them; what comes
 * out may gain keys, which an older client drops.
 */
export const apiBase = '/v1'

const time = z.iso.datetime().describe('ISO 8601, UTC.')
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const count = z.int().min(0)

export const roleSchema = z.enum(['researcher', 'operator'])
export type Role = z.infer<typeof roleSchema>

/** RFC 9457, content type application/problem+json. `field` names the place in the request, never its value. */
export const problemSchema = z.object({
  type: z.string().describe('about:blank: error_code says which problem it is.'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  error_code: z.string().describe('From a closed list: shared/error-codes.ts.'),
  hint: z.string().describe('What to do.'),
  field: z.string().optional(),
})
export type Problem = z.infer<typeof problemSchema>

export const healthSchema = z.object({
  status: z.literal('ok'),
  version: z.string(),
  federation: z.string(),
  signing_key: z.object({
    fingerprint: z.string().describe('For comparing out of band: eight groups of four hex digits.'),
    public_key: z.base64().describe('Ed25519, 32 bytes.'),
  }),
})
export type Health = z.infer<typeof healthSchema>

export const whoamiSchema = z.object({ user: z.string(), role: roleSchema })
export type Whoami = z.infer<typeof whoamiSchema>

const generatorFields = {
  generator: z.string().describe("The study's name."),
  study: sha256.describe('What the hospitals approved.'),
  purpose: z.string(),
  sites: z.array(z.string()),
  promised_patients: count.describe('As the hospitals promised, never as counted.'),
  epsilon: z.object({ public: z.number(), peer: z.number() }).describe('To the public; to another hospital.'),
  delta: z.number(),
  unit: z.enum(['row', 'patient']).describe('What one contribution stands for.'),
  completed: time,
}
export const generatorSchema = z.object(generatorFields)
export type Generator = z.infer<typeof generatorSchema>
export const generatorsSchema = z.object({ generators: z.array(generatorSchema) })

const columnFields = {
  name: z.string(),
  position: count.describe("In the model's order, from 0."),
  handling: z.enum(['exact', 'weighted']).describe('How a condition on this column alone is met.'),
  missing: z.boolean().describe('Whether a cell may be missing.'),
}
export const generatorColumnSchema = z.discriminatedUnion('kind', [
  z.object({ ...columnFields, kind: z.literal('categorical'), levels: z.array(z.string()) }),
  z.object({
    ...columnFields,
    kind: z.literal('numeric'),
    bins: z.array(z.number()).describe('Ascending starts of right-open bins.'),
    maximum: z.number(),
    integer: z.boolean(),
    unit: z.string().optional(),
  }),
  z.object({
    ...columnFields,
    kind: z.literal('date'),
    from: z.string().describe('First day, as 2024-02-29.'),
    to: z.string().describe('Last day, included.'),
    every: z.enum(calendarSteps),
  }),
])
export type GeneratorColumn = z.infer<typeof generatorColumnSchema>

export const generatorDetailSchema = z.object({
  ...generatorFields,
  estimand: z.string().describe('What the generator estimates, in a sentence.'),
  columns: z.array(generatorColumnSchema),
  odds: z.object({ public: z.string(), peer: z.string() }).describe('Epsilon as a change of belief.'),
  model_sha256: sha256,
  held_out: z
    .object({
      outcome: z.string().describe('The column that a classifier, trained on synthetic rows, predicts.'),
      auc: z
        .number()
        .nullable()
        .describe('On patients held out at the hospitals; null where the noise drowns a label.'),
      noise_error: z.number().nullable().describe('Standard error of it from the privacy noise.'),
      sentence: z.string(),
    })
    .optional()
    .describe('Where the study asked for an evaluation.'),
})
export type GeneratorDetail = z.infer<typeof generatorDetailSchema>

const { rows, seed, where } = cohortOrderSchema.shape

export const probeOrderSchema = z.strictObject({
  rows: z.int().min(1).max(100).default(20),
  seed: seed.default(0),
  where,
  ...additionFields,
})
export type ProbeOrder = z.input<typeof probeOrderSchema>
export const probeSchema = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.array(z.string())),
  seed: count,
  notice: z.string(),
})
export type Probe = z.infer<typeof probeSchema>

export const planOrderSchema = z.strictObject({ rows, seed: seed.default(0), where, ...additionFields })
export type PlanOrder = z.input<typeof planOrderSchema>
export { cohortPlanSchema }

export const formatSchema = z.enum(['csv', 'parquet'])
export type CohortFormat = z.infer<typeof formatSchema>

export const requestOrderSchema = z.strictObject({
  generator: z.string().min(1).max(64).describe("A generator's name, or its study (64 hex digits)."),
  rows,
  seed: seed.optional().describe('Equal seeds give equal cohorts; drawn at acceptance unless given.'),
  where,
  ...additionFields,
  formats: z
    .array(formatSchema)
    .min(1)
    .max(2)
    .refine((formats) => new Set(formats).size === formats.length, 'must not name a format twice')
    .default(['csv', 'parquet']),
  purpose: z.string().trim().min(1).max(500).describe('Why; it is kept, and printed in the report.'),
})
export type RequestOrder = z.input<typeof requestOrderSchema>

/** Header of POST /requests: the same key and body again give the same request (200, not 201); another body is refused. */
export const idempotencyKeyHeader = 'idempotency-key'

/** `cancelled` before it was done, `deleted` after: either way no file of it is left. */
export const requestStateSchema = z.enum(['queued', 'running', 'done', 'failed', 'cancelled', 'deleted'])
export const requestSchema = z.object({
  request: z.string(),
  user: z.string(),
  generator: z.string(),
  study: sha256,
  state: requestStateSchema,
  rows: count,
  rows_done: count,
  seed: count,
  where: z.string().nullable().describe('In normal form.'),
  ...additionFields,
  purpose: z.string(),
  formats: z.array(formatSchema),
  created: time,
  finished: time.optional(),
  deleted: time.optional(),
  waiting_for: z
    .string()
    .optional()
    .describe(
      'Why a queued request does not start: `disk_space`, or `coordinator` (a fault that its operator repairs).',
    ),
  error: z.object({ error_code: z.string(), message: z.string(), hint: z.string() }).optional(),
  release: z.string().optional().describe('Once the state is done.'),
})
export type CohortRequest = z.infer<typeof requestSchema>

export const requestsQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  before: z.string().max(64).optional().describe('Only requests made before this one.'),
})
/** The newest first. */
export const requestsSchema = z.object({ requests: z.array(requestSchema) })

export const releaseFileSchema = z.object({ name: z.string(), bytes: count, sha256 })
export type ReleaseFile = z.infer<typeof releaseFileSchema>
/** `files` lists everything that a complete download holds, SHA256SUMS and the attestation included. */
export const releaseListingSchema = z.object({
  release: z.string(),
  request: z.string(),
  files: z.array(releaseFileSchema),
})
export type ReleaseListing = z.infer<typeof releaseListingSchema>
