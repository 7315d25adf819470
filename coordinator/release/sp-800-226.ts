import { type PlanPrice, pricePlan } from '@tributary/shared/dp/plan'
import { sensitivityOf } from '@tributary/shared/dp/slack'
import { promisedUnits } from '@tributary/shared/study/federation'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { marginalCountNoise } from '@tributary/shared/study/marginal-noise'
import type { Manifest } from '@tributary/shared/study/study-schema'
import * as z from 'zod'
import { estimandOf } from '../report/privacy-section.ts'

const text = z.string().min(1)
const part = (section: string) => `NIST SP 800-226 section ${section}.`

/**
 * The claim in the order in which NIST SP 800-226 (Near, Darais, Lefkovitz and Howarth 2025) has a reader take a claim apart: its
 * pyramid from the top, privacy parameters and unit (section 2), algorithms, utility and bias (3), query and trust models,
 * implementation, data security, data collection exposure (4).
 */
export const sp800226Schema = z.strictObject({
  guideline: z.literal('NIST SP 800-226, Guidelines for Evaluating Differential Privacy Guarantees, March 2025'),
  privacy_parameters: z
    .strictObject({
      variant: z.literal('approximate differential privacy'),
      epsilon_to_the_public: z.number(),
      epsilon_to_another_hospital: z.number(),
      epsilon_promised: z
        .number()
        .describe('What the noise was calibrated to, for whoever misses noise_shares shares.'),
      delta: z.number(),
      promised_units: z.int(),
      delta_at_most_one_over_units_squared: z.boolean().describe("The guideline's strictest advice for delta."),
      delta_at_most_one_in_ten_units: z.boolean().describe("This system's own limit, 1 / (10 N)."),
    })
    .describe(part('2')),
  unit_of_privacy: z
    .strictObject({
      unit: z.enum(['row', 'patient']),
      level: z.enum(['event', 'user']),
      neighbouring_datasets: z.literal('unbounded: one unit added or removed'),
      most_rows_per_patient: z
        .int()
        .nullable()
        .describe('Declared for unit row; what the patient ledgers are charged for.'),
      vectors_per_unit_and_release: z.literal(1),
      one_vector_is: text,
      not_linked_across_hospitals: text,
    })
    .describe(part('2.4')),
  composition: z
    .strictObject({
      releases_charged: z.int(),
      releases_planned: z.int(),
      this_cohort: z.literal(0),
      other_studies: text,
      releases_without_differential_privacy: text,
    })
    .describe(part('2')),
  algorithms_and_correctness: z
    .strictObject({
      mechanisms: z.array(
        z.strictObject({
          query: z.string(),
          mechanism: text,
          l2_sensitivity: z
            .number()
            .describe('Clip norm and what rounding to the grid adds, in the units of the vector.'),
          noise_deviation_of_the_sum: z.number().describe('With the least number of hospitals, in the same units.'),
          sampling_rate: z.number(),
          releases: z.int(),
        }),
      ),
      accountant: text,
      post_processing: text,
      proof_and_tests: text,
      empirical_audit_of_this_run: z.literal('none'),
    })
    .describe(part('3')),
  utility: z
    .strictObject({
      count_error_at_95: z
        .number()
        .nullable()
        .describe(
          'Of one cell of the 1-way counts, a number of units of privacy (patients or rows): 1.96 deviations of the noise.',
        ),
      estimand: text,
      measured_on_patients: z.boolean().describe('By a query of the plan on held-out patients.'),
      where: text,
    })
    .describe(part('3')),
  bias: z.strictObject({ systemic: text, statistical: z.array(text), human: text }).describe(part('3')),
  query_model: z
    .strictObject({
      name: z.literal('data release'),
      queries_fixed_in_advance: z.literal(true),
      approved_by: z.array(text),
    })
    .describe(part('4')),
  trust_model: z
    .strictObject({
      name: text,
      curator: text,
      hospitals: z.int(),
      must_contribute: z.int(),
      must_answer_to_open: z.int(),
      expected_colluders: z.int(),
      colluders_that_isolate_one_hospital: z.int(),
      computational_assumptions: z.array(text),
      trusted_for: z.array(text),
    })
    .describe(part('4')),
  implementation_challenges: z
    .strictObject({
      floating_point: text,
      timing: z.strictObject({ sent_at_multiples_of_milliseconds: z.int(), remains_visible: text }),
      messages: text,
      backend: text,
      hyperparameters: text,
      random_numbers: text,
    })
    .describe(part('4')),
  data_security_and_access_control: z
    .strictObject({ where_rows_are: text, who_may_ask: text, not_evaluated: text })
    .describe(part('4')),
  data_collection_exposure: z
    .strictObject({
      columns_read: z.array(text),
      linking_key_read: z.boolean().describe('A patient key is read to bound contributions; it never leaves.'),
      collected_centrally: text,
      bytes_sent_by_each_hospital: z.number().describe('If every step takes one attempt.'),
    })
    .describe(part('4')),
})

export type Sp800226 = z.infer<typeof sp800226Schema>

/** From public facts alone. Cost: `pricePlan`. */
export const sp800226Of = (manifest: Manifest): Sp800226 => {
  const price = pricePlan(manifest)
  return {
    guideline: 'NIST SP 800-226, Guidelines for Evaluating Differential Privacy Guarantees, March 2025',
    ...strength(manifest, price),
    ...algorithms(manifest, price),
    ...deployment(manifest, price),
  }
}

const strength = (
  manifest: Manifest,
  price: PlanPrice,
): Pick<Sp800226, 'privacy_parameters' | 'unit_of_privacy' | 'composition'> => {
  const { privacy } = manifest
  const units = promisedUnits(manifest)
  return {
    privacy_parameters: {
      variant: 'approximate differential privacy',
      epsilon_to_the_public: price.epsilon.public.epsilon,
      epsilon_to_another_hospital: price.epsilon.peer.epsilon,
      epsilon_promised: privacy.epsilon,
      delta: price.delta,
      promised_units: units,
      delta_at_most_one_over_units_squared: price.delta <= units ** -2,
      delta_at_most_one_in_ten_units: !price.deltaFlag,
    },
    unit_of_privacy: {
      unit: price.unit,
      level: price.unit === 'row' ? 'event' : 'user',
      neighbouring_datasets: 'unbounded: one unit added or removed',
      most_rows_per_patient: privacy.unit === 'row' ? (privacy.most_rows_per_patient ?? 1) : null,
      vectors_per_unit_and_release: 1,
      one_vector_is: estimandOf(manifest),
      not_linked_across_hospitals:
        'a person of several hospitals is several units; privacy_loss.adversaries says what that costs them',
    },
    composition: {
      releases_charged: price.rounds.attempts,
      releases_planned: price.rounds.steps,
      this_cohort: 0,
      other_studies:
        "not known here: each hospital's own ledger adds up what all studies cost its patients, against its cap",
      releases_without_differential_privacy: 'not known here, and not covered',
    },
  }
}

const algorithms = (
  manifest: Manifest,
  price: PlanPrice,
): Pick<Sp800226, 'algorithms_and_correctness' | 'utility' | 'bias'> => {
  const queries = queriesOf(manifest.plan)
  const counts = marginalCountNoise(manifest, price.contributors.least)
  const error = counts === undefined ? null : 1.96 * counts.units
  const evaluated = queries.some(({ kind }) => kind === 'scores')
  return {
    algorithms_and_correctness: {
      mechanisms: queries.map((query, i) => ({
        query: query.kind,
        mechanism: `discrete Gaussian in shares, on ${query.samplingRate < 1 ? 'a Poisson-sampled sum' : 'the sum'} of clipped vectors`,
        l2_sensitivity: sensitivityOf(query),
        noise_deviation_of_the_sum: price.queries[i]?.noise ?? 0,
        sampling_rate: query.samplingRate,
        releases: query.attempts,
      })),
      accountant: 'privacy loss distributions, an upper bound in both directions; never above the Renyi bound',
      post_processing: 'everything after the noised sums: training, averaging, conditions, this cohort, its report',
      proof_and_tests: 'docs/privacy.md of the software: theorem, lemmas, and the test that stands behind each rule',
      empirical_audit_of_this_run: 'none',
    },
    utility: {
      count_error_at_95: error,
      estimand: estimandOf(manifest),
      measured_on_patients: evaluated,
      where: evaluated
        ? 'report.json: an evaluation on patients held out from training, its noise beside it; else what the noise allows, judged from public facts and what was opened'
        : 'report.json: what the noise allows, judged from public facts and what was opened; nothing was measured on patients',
    },
    bias: {
      systemic:
        error === null
          ? 'groups small beside the noise are lost first'
          : `groups of fewer than about ${Math.ceil(error)} promised units are below the noise of a count: they are lost first`,
      statistical: [
        'vectors longer than the clip norm are shortened, so that unusual records pull less',
        'noisy counts of a column are moved by one amount and cut at zero, which favours rare levels',
        'rounding to the grid is random and unbiased; saturation is far outside ordinary sums',
      ],
      human:
        'rows can be drawn without end and none shows the noise behind it: intervals computed from their number are too narrow',
    },
  }
}

const deployment = (
  manifest: Manifest,
  price: PlanPrice,
): Pick<
  Sp800226,
  | 'query_model'
  | 'trust_model'
  | 'implementation_challenges'
  | 'data_security_and_access_control'
  | 'data_collection_exposure'
> => {
  const { contributors, bytes } = price
  const { deadlines, federation, privacy, sites } = manifest
  return {
    query_model: {
      name: 'data release',
      queries_fixed_in_advance: true,
      approved_by: sites.map(({ name }) => name),
    },
    trust_model: {
      name: 'distributed: noise in shares at the hospitals, secure aggregation, no trusted curator of rows',
      curator: 'none holds rows of several hospitals; the coordinator opens noised sums only',
      hospitals: contributors.sites,
      must_contribute: contributors.least,
      must_answer_to_open: contributors.threshold,
      expected_colluders: federation.colluders,
      colluders_that_isolate_one_hospital: contributors.isolation,
      computational_assumptions: [
        'against everybody: AES-256-CTR as a generator of random bits, and the random keys of the operating system: all noise and coins come from them',
        'against the coordinator, also: ring learning with errors (one-time keys, degree 4096), with the sum of the errors known',
        'against the coordinator, also: X25519 or ML-KEM-768, AES-256-GCM, Ed25519, SHA-256',
      ],
      trusted_for: [
        'each hospital: running this software on its own rows, and confirming the roster by fingerprint',
        `hospitals other than those that collude: adding their share of the noise, ${federation.noise_shares} shares counted`,
        'the coordinator: nothing that these figures rest on; it can stop a study',
      ],
    },
    implementation_challenges: {
      floating_point: 'sums become integers before noise; noise is drawn and added as integers, from tables',
      timing: {
        sent_at_multiples_of_milliseconds: deadlines.send_every_milliseconds,
        remains_visible: 'who took part, when, and by how many such periods work on rows was longer than one',
      },
      messages:
        'number and size follow from the study file, but that hospitals tell one another of what study of the federation each last took part in; no losses, norms, batch sizes or error texts leave',
      backend: 'no strangers query a database: each hospital runs the approved plan on its own rows',
      hyperparameters: 'in the study file; whether its authors tuned them on patients is not known here',
      random_numbers:
        'AES-256-CTR under operating system keys, new for each attempt and purpose; every figure rests on them',
    },
    data_security_and_access_control: {
      where_rows_are: 'at the hospitals, under their own protection; none are stored or sent by this system',
      who_may_ask: 'studies run where a hospital approved their hash; its ledger refuses what its cap does not allow',
      not_evaluated: "hospitals' own machines, accounts and backups",
    },
    data_collection_exposure: {
      columns_read: manifest.columns.map(({ name }) => name),
      linking_key_read: privacy.patient_key !== undefined,
      collected_centrally: 'noised sums, signatures, participation; no rows',
      bytes_sent_by_each_hospital: bytes.perSite,
    },
  }
}
