import { odds } from '@tributary/shared/dp/odds'
import { type EpsilonFigure, type PlanPrice, pricePlan } from '@tributary/shared/dp/plan'
import type { Manifest } from '@tributary/shared/study/study-schema'
import * as z from 'zod'
import { estimandOf } from '../report/privacy-section.ts'
import { releaseIdSchema } from './release-schema.ts'
import { sp800226Of, sp800226Schema } from './sp-800-226.ts'

const figureSchema = z.strictObject({
  epsilon: z.number(),
  ideal_noise: z
    .boolean()
    .describe('True: holds for noise within sampler_distance, in total variation, of the noise that was drawn.'),
  beliefs: z
    .array(z.strictObject({ before: z.number(), after_at_most: z.number() }))
    .describe(
      'That a given unit is in the data, of somebody 1 %, 10 % or 50 % sure before; delta is a small allowance beside that, as if, with that probability, anything might be revealed.',
    ),
})

/**
 * privacy.json in the terms of the Differential Privacy Deployments Registry (Nanayakkara, Ghazi and Vadhan 2025, arXiv
 * 2509.13509): deployment, flavor, privacy loss, model, accounting, implementation; then once more in the order of NIST SP
 * 800-226. docs/privacy.md has the fields in a table.
 */
export const privacyStatementSchema = z
  .strictObject({
    release: releaseIdSchema,
    synthetic: z.literal(true),
    deployment: z.strictObject({
      name: z.string(),
      data_curator: z.string(),
      data_product_type: z.string(),
      intended_use: z.string(),
      publication_date: z.iso.datetime(),
    }),
    dp_flavor: z.strictObject({
      name: z.string(),
      data_domain: z.string(),
      neighbouring_relation: z.string(),
      unprotected_quantities: z.array(z.string()),
    }),
    privacy_loss: z.strictObject({
      privacy_unit: z.enum(['row', 'patient']),
      privacy_unit_description: z.string(),
      privacy_parameters: z.strictObject({
        delta: z.number(),
        delta_at_most_recommended: z.number().describe('1 / (10 N) for the N units promised.'),
        public: figureSchema.describe('To whoever contributed nothing.'),
        peer: figureSchema.describe('To another contributing hospital, which knows its own noise.'),
        patient: z
          .strictObject({ ...figureSchema.shape, most_rows: z.int() })
          .optional()
          .describe(
            'Unit row only: to the public, for a patient with all their rows. With unit patient, `public` is that figure.',
          ),
      }),
      adversaries: z
        .array(
          z.strictObject({
            who: z.enum(['public', 'coordinator', 'hospital', 'coalition']),
            name: z.string(),
            hospitals: z.int().min(0).describe('Hospitals among them, whose own patients the figure is not about.'),
            knows: z.string(),
            noise_shares_missed: z.int().min(1),
            isolates: z.boolean().describe("They can open one hospital's sum alone."),
            assumes: z
              .array(z.enum(['generator', 'encryption']))
              .min(1)
              .describe(
                'What must hold of cryptography. generator: AES-256-CTR under keys of the operating system, behind all noise and ' +
                  'coins. encryption: RLWE and what seals its keys, against whoever holds sealed contributions.',
              ),
            target: z.strictObject({
              name: z.string(),
              hospitals: z.int().min(1).describe('Hospitals that hold the person.'),
              records_each: z.int().min(1).describe('Contributions of theirs at each.'),
            }),
            ...figureSchema.shape,
          }),
        )
        .describe('Who learns how much about whom; the same table as `study show` prints.'),
      this_release: z.literal(0).describe('Epsilon spent by this cohort: it is drawn from the released model alone.'),
    }),
    model: z.strictObject({
      model_name: z.string(),
      model_name_description: z.string(),
      actors: z.array(z.string()),
      is_dynamic: z.literal(false),
      is_interactive: z.literal(false),
    }),
    accounting: z.strictObject({
      accountant: z.string(),
      composition: z.string(),
      post_processing: z.string(),
      sampler_distance: z.number().describe('Total variation of all noise drawn from the ideal; taken off delta.'),
      attempts_charged: z.int(),
    }),
    implementation: z.strictObject({
      pre_processing: z.string(),
      mechanisms: z.array(
        z.strictObject({
          query: z.string(),
          mechanism: z.string(),
          dimension: z.int(),
          clip_norm: z.number(),
          noise_multiplier: z.number(),
          effective_multiplier: z.number().describe('Rounding taken off: what the accountant is given.'),
          sampling_rate: z.number(),
          steps: z.int(),
          attempts: z.int(),
          divisor: z.number().describe('A public constant.'),
        }),
      ),
      estimand: z.string(),
      justification: z.string(),
    }),
    sp_800_226: sp800226Schema,
  })
  .describe('How the patients behind a Tributary release are protected')

export type PrivacyStatement = z.infer<typeof privacyStatementSchema>

const figure = ({ epsilon, idealNoise }: EpsilonFigure): z.infer<typeof figureSchema> => ({
  epsilon,
  ideal_noise: idealNoise,
  beliefs: [0.01, 0.1, 0.5].map((before) => ({ before, after_at_most: odds(epsilon, before) })),
})

export interface StatementFacts {
  readonly releaseId: string
  readonly created: Date
  readonly federation: string
  readonly purpose: string
  readonly manifest: Manifest
}

/** From public facts alone: anyone with the study file computes the same figures. Cost: `pricePlan`. */
export const privacyStatement = (facts: StatementFacts): PrivacyStatement => {
  const { manifest, federation, purpose } = facts
  const price = pricePlan(manifest)
  return {
    release: facts.releaseId,
    synthetic: true,
    deployment: {
      name: manifest.name,
      data_curator: federation,
      data_product_type: 'synthetic records drawn from a differentially private generator',
      intended_use: purpose,
      publication_date: facts.created.toISOString(),
    },
    dp_flavor: {
      name: 'approximate differential privacy, (epsilon, delta)',
      data_domain: `tables of ${manifest.columns.length} columns with public levels and bins, one table a hospital`,
      neighbouring_relation: `add or remove one ${manifest.privacy.unit}${manifest.privacy.unit === 'patient' ? ' with all their rows' : ''}`,
      unprotected_quantities: [
        'which hospitals take part, and in which rounds; each other of what study of the federation they last took part in',
        'counts that the hospitals promised',
        'levels, bins and bounds of the columns, which come from the study and not from patients',
        'facts about a hospital as a whole',
      ],
    },
    privacy_loss: privacyLoss(manifest, price),
    model: {
      model_name: 'distributed, with secure aggregation',
      model_name_description:
        'each hospital clips, adds its share of the noise and seals; the coordinator opens only the noised sum (as long as RLWE holds)',
      actors: [...manifest.sites.map(({ name }) => name), 'coordinator'],
      is_dynamic: false,
      is_interactive: false,
    },
    accounting: {
      accountant:
        'privacy loss distributions (pessimistic connect-the-dots, both directions), Renyi divergence as ceiling; the smaller bound',
      composition: `all attempts of the frozen plan, spares included, sampled and unsampled together${
        manifest.plan.queries.some(({ kind }) => kind === 'scores')
          ? '; training and held-out patients are disjoint, the dearer of the two counts'
          : ''
      }; across studies plain sums or a Renyi filter at each hospital`,
      post_processing: 'training, averaging, conditions, this cohort and its report look at noised sums alone',
      sampler_distance: price.distance,
      attempts_charged: price.rounds.attempts,
    },
    implementation: implementation(manifest, price),
    sp_800_226: sp800226Of(manifest),
  }
}

const privacyLoss = ({ privacy }: Manifest, price: PlanPrice): PrivacyStatement['privacy_loss'] => ({
  privacy_unit: price.unit,
  privacy_unit_description:
    price.unit === 'patient'
      ? 'one patient of one hospital, with all their rows'
      : `one row; a patient may have up to ${privacy.most_rows_per_patient ?? 1}`,
  privacy_parameters: {
    delta: price.delta,
    delta_at_most_recommended: price.largestDelta,
    public: figure(price.epsilon.public),
    peer: figure(price.epsilon.peer),
    ...(price.epsilon.patient && {
      patient: { ...figure(price.epsilon.patient), most_rows: price.epsilon.patient.mostRows },
    }),
  },
  adversaries: price.adversaryTable.map((row) => ({
    who: row.who,
    name: row.name,
    hospitals: row.hospitals,
    knows: row.knows,
    noise_shares_missed: row.missedShares,
    isolates: row.isolates,
    assumes: [...row.assumes],
    target: { name: row.target.name, hospitals: row.target.hospitals, records_each: row.target.recordsEach },
    ...figure(row),
  })),
  this_release: 0,
})

const implementation = (manifest: Manifest, price: PlanPrice): PrivacyStatement['implementation'] => ({
  pre_processing:
    'none that looks at patients: levels, bins, bounds and settings are in the study file that every hospital approved',
  mechanisms: manifest.plan.queries.map((query, i) => ({
    query: query.kind,
    mechanism:
      'discrete Gaussian in shares, on the Poisson-sampled sum of clipped vectors, rounded at random to a grid, folded after the noise',
    dimension: query.dimension,
    clip_norm: query.clip_norm,
    noise_multiplier: query.noise_multiplier,
    effective_multiplier: price.queries[i]?.effectiveMultiplier ?? query.noise_multiplier,
    sampling_rate: query.sampling_rate,
    steps: query.steps,
    attempts: query.attempts,
    divisor: query.divisor,
  })),
  estimand: estimandOf(manifest),
  justification: `epsilon ${manifest.privacy.epsilon} was approved by every hospital with the hash of the study`,
})
