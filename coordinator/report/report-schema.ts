import * as z from 'zod'
import { askedSchema } from './asked-schema.ts'
import { evaluationSchema } from './evaluation-schema.ts'

/**
 * report.json: all numbers of the report, in snake_case. Every number carries its meaning in `describe`; the report repeats them
 * under `definitions`, so that the file explains itself.
 */
const text = z.string()
const number = (what: string) => z.number().describe(what)
const count = (what: string) => z.int().min(0).describe(what)
const share = (what: string) => z.number().min(0).max(1).describe(what)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

const gradeSchema = z.enum(['usable', 'coarse', 'little']).describe('little: mostly noise.')

const verdictSchema = z.strictObject({
  grade: gradeSchema,
  headline: text,
  sentences: z.array(text),
  cells: count('Levels and bins of all columns together.'),
  cells_like_zero: count('Cells whose released share is below 1.96 standard deviations of its own noise.'),
  patients_error: number(
    '95 % error of the count behind any one cell, in units of privacy: 1.96 deviations of the noise.',
  ),
  marginals_grade: gradeSchema,
  relations_noise: number(
    'Gradients: length of the noise of one training step over the longest sum that the promised units could give (they all agree). Tables of pairs: deviation of the noise in one cell, as a share of the promised units.',
  ),
  relations_noise_overall: number('The same for all releases together: divided by the root of their number.'),
  relations_grade: gradeSchema,
  cohort_grade: gradeSchema.describe(
    'Of this cohort: by the patients that may stand behind it, and by the noise of one count beside them.',
  ),
  cohort_below_noise: z.boolean().describe('Fewer units are expected behind this cohort than patients_error.'),
})

const epsilonView = {
  epsilon: number('Epsilon at the delta of the study.'),
  ideal_noise: z
    .boolean()
    .describe('True: holds for noise within sampler_distance in total variation of the noise that was drawn.'),
}
const beliefSchema = z.strictObject({
  before: share('Belief, before the release, that a given unit is in the data.'),
  after: share('The most that this belief can be afterwards; delta is a small allowance beside that.'),
})
const promiseSchema = z.strictObject({ ...epsilonView, odds: text, beliefs: z.array(beliefSchema) })

const privacySchema = z.strictObject({
  unit: z.enum(['row', 'patient']),
  unit_sentence: text,
  adjacency: text,
  estimand: text,
  delta: number('A small allowance beside epsilon: as if, with that probability, anything might be revealed.'),
  largest_delta: number(
    '1 / (10 N) for the N units promised: delta above it is for comparison with published tables only.',
  ),
  delta_flag: z.boolean(),
  public: promiseSchema,
  peer: promiseSchema,
  patient: z
    .strictObject({ ...epsilonView, most_rows: count('Declared maximum of rows of one patient.'), odds: text })
    .nullable()
    .describe('Unit row only: a patient with all their rows.'),
  colluders: z.array(
    z.strictObject({
      colluders: count('Hospitals that collude with the coordinator.'),
      ...epsilonView,
      isolates: z.boolean().describe('So many can open one other hospital alone, with its own noise only.'),
    }),
  ),
  hospitals: z.array(
    z.strictObject({ hospitals: count('Hospitals that hold the same unit.'), ...epsilonView, odds: text }),
  ),
  ledger: z.strictObject({ ...epsilonView, what: text }),
  accountant: text,
  sampler_distance: number('Total variation distance of all noise drawn from the ideal; taken off delta.'),
  queries: z.array(
    z.strictObject({
      kind: z.enum(['marginals', 'pairs', 'gradient', 'scores']),
      what: text,
      dimension: count('Numbers in one release.'),
      steps: count('Releases wanted.'),
      attempts: count('Releases charged: steps and spares.'),
      sampling_rate: number('Probability with which a unit takes part in a release.'),
      clip_norm: number('Largest length of what one unit adds.'),
      noise_multiplier: number('Standard deviation of the noise over the clip norm, with the noise shares counted.'),
      effective_multiplier: number('The same, rounding taken off: what the accountant is given.'),
      divisor: number('Public constant that the sum is divided by.'),
    }),
  ),
  promised_units: count('Units of privacy that the sites promised.'),
  noise_shares: count('Noise shares that the multiplier counts; every contributor adds one.'),
  cost_of_this_cohort: z
    .literal(0)
    .describe('Epsilon spent by this cohort and this report: drawn from the model alone.'),
})

const spanSchema = z.strictObject({
  from: count('First attempt of the span, counted from 1.'),
  to: count('Last attempt of the span.'),
  present: z.boolean(),
})

const participationSchema = z.strictObject({
  invited: z.array(text),
  promised_patients: count('Patients that the sites promised, together.'),
  promised_rows: count('Rows that the sites promised, together.'),
  least: count('Sites that must contribute before a sum may be opened.'),
  threshold: count('Sites that must answer to open a sum.'),
  attempts: count('Attempts made, opened or not.'),
  opened: count('Attempts whose sum was opened.'),
  queries: z.array(
    z.strictObject({
      kind: text,
      used: count('Attempts used: each was charged.'),
      reserved: count('Attempts reserved in every ledger before the run.'),
    }),
  ),
  sites: z.array(
    z.strictObject({
      site: text,
      contributed: count('Opened rounds with a contribution of this site.'),
      missed: count('Opened rounds without one.'),
      spans: z.array(spanSchema).describe('All attempts in order: present where the site contributed.'),
    }),
  ),
  sums: z.array(spanSchema).describe('All attempts in order: present where the sum was opened.'),
  failed: z.array(
    z.strictObject({ attempt: count('Counted from 1.'), step: count('Step of the plan, from 0.'), reason: text }),
  ),
})

const levelSchema = z.strictObject({
  level: text,
  released: share('Share in the noisy released marginals, made consistent (see the notes).'),
  low: share('Lower end of the 95 % error bar of the privacy noise.'),
  high: share('Upper end of it.'),
  network: share("Share in the generator's own unconditional rows, not raked."),
  sample: share('Share in the unconditional sample of the generator, raked to these marginals as every cohort is.'),
  cohort: share('Share in this cohort.'),
  like_zero: z.boolean().describe('The released share is below 1.96 deviations of its own noise.'),
})

const fidelitySchema = z.strictObject({
  sample_rows: count('Rows of each unconditional sample: the raked one and the one that is not.'),
  noise_units: number('Standard deviation of the noise in one released count, in units of privacy.'),
  cells: count('Cells compared.'),
  network_inside: count("Cells where the generator's own rows, not raked, lie inside the error bar."),
  network_inside_with_sampling: count('The same with the bar widened by the sampling error of sample_rows rows.'),
  network_mean_distance: number(
    "Mean over columns of the total variation distance of the generator's own rows, not raked, to the released marginals.",
  ),
  raking_effective_share: share(
    'Rows that the raked sample is worth over its rows (Kish 1965): 1 where raking had nothing to move.',
  ),
  inside: count(
    'Cells where the raked sample lies inside the error bar: it was raked to them, so this tests the raking, not the generator.',
  ),
  inside_with_sampling: count('The same with the bar widened by the sampling error of sample_rows rows.'),
  mean_distance: number(
    'Mean over columns of the total variation distance of the raked sample to the released marginals.',
  ),
  mean_noise_distance: number('Mean over columns of the distance that the noise alone puts between release and truth.'),
  notes: z.array(text),
  columns: z.array(
    z.strictObject({
      column: text,
      kind: z.enum(['categorical', 'numeric', 'date']),
      deviation: number(
        'Standard deviation of the noise in one share of this column, before it was smoothed or cut at zero.',
      ),
      network_inside: count("Levels where the generator's own rows, not raked, lie inside the error bar."),
      network_distance: number(
        "Total variation distance of the generator's own rows, not raked, to the released marginal: 0 equal, 1 disjoint.",
      ),
      inside: count(
        'Levels where the raked sample lies inside the error bar: this tests the raking, not the generator.',
      ),
      distance: number('Total variation distance of the raked sample to the released marginal it was raked to.'),
      noise_distance: number('The distance expected between release and truth from the noise alone.'),
      cohort_distance: number(
        'Total variation distance of the cohort to the raked sample: what the condition changed.',
      ),
      levels: z.array(levelSchema),
    }),
  ),
})

const mapSchema = z
  .array(z.array(z.number().min(0).max(1).nullable().describe("Bias-corrected Cramér's V; null: nothing to say.")))
  .describe('Columns x columns, symmetric.')

const pairsSchema = z.strictObject({
  columns: z.array(text),
  left_out: z.array(text).describe('Columns whose pairs are not counted: too many levels or columns.'),
  cohort: mapSchema,
  sample: mapSchema,
  strongest: z.array(
    z.strictObject({
      first: text,
      second: text,
      cohort: number("Bias-corrected Cramér's V in this cohort.").nullable(),
      sample: number("Bias-corrected Cramér's V in the unconditional sample.").nullable(),
    }),
  ),
})

const supportSchema = z.strictObject({
  support: share('Share of the synthetic population that meets the condition.'),
  standard_error: number('Of the support: how well the draws know it.'),
  noise_error: number(
    'Standard error of the support from the noise of training, at most; null where it is not known.',
  ).nullable(),
  promised_patients: count('Patients that the sites promised.'),
  expected_patients: number(
    'Support times promised patients: from the model and the promises, never a count of patients.',
  ),
  sentence: text,
  warnings: z.array(z.strictObject({ code: text, message: text })),
})

export const reportSchema = z.strictObject({
  tributary: z.literal('report/1'),
  synthetic: z.literal(true),
  release: text,
  created: z.iso.datetime(),
  federation: text,
  context_of_use: text,
  not_for: z.array(text).min(1),
  generator: z.strictObject({
    name: text,
    purpose: text,
    study: sha256,
    manifest_sha256: sha256,
    model_sha256: sha256,
    columns: count('Columns of the table.'),
    parameters: count(
      'Numbers that training releases at a time: the weights of a network, the cells of all tables of pairs.',
    ),
  }),
  verdict: verdictSchema,
  asked: askedSchema,
  privacy: privacySchema,
  participation: participationSchema,
  fidelity: fidelitySchema,
  pairs: pairsSchema,
  evaluation: evaluationSchema.optional().describe('Where the study asked for one.'),
  support: supportSchema,
  limits: z.array(text).min(1),
  reproduce: z.strictObject({
    commands: z.array(text).min(1),
    cite: text,
    files: z.array(z.strictObject({ name: text, what: text })),
  }),
  glossary: z.array(z.strictObject({ term: text, meaning: text })),
  definitions: z.record(text, text).describe('Path of a number in this file -> what it is.'),
})

export type Report = z.output<typeof reportSchema>
export type Grade = z.output<typeof gradeSchema>
