import { odds } from '@tributary/shared/dp/odds'
import { type EpsilonFigure, pricePlan } from '@tributary/shared/dp/plan'
import { promisedUnits } from '@tributary/shared/study/federation'
import { whatItAsks } from '@tributary/shared/study/query-words'
import { oddsSentence } from '@tributary/shared/study/study-report'
import type { Manifest } from '@tributary/shared/study/study-schema'
import type { Report } from './report-schema.ts'

type Privacy = Report['privacy']

const view = ({ epsilon, idealNoise }: EpsilonFigure) => ({ epsilon, ideal_noise: idealNoise })

const promise = (figure: EpsilonFigure): Privacy['public'] => ({
  ...view(figure),
  odds: oddsSentence(figure.epsilon),
  beliefs: [0.01, 0.1, 0.5].map((before) => ({ before, after: odds(figure.epsilon, before) })),
})

const sentences = {
  patient: {
    unit_sentence: 'one patient, with all their rows at one hospital',
    adjacency: 'two tables are neighbours when one is the other with one patient, and all their rows, added or removed',
    estimand:
      'a random visit of a random patient: every patient counts once, however many rows they have, and one of their rows is drawn',
  },
  row: {
    unit_sentence: 'one row',
    adjacency: 'two tables are neighbours when one is the other with one row added or removed',
    estimand: 'a random row: a patient with more rows counts more often',
  },
} as const

/** What one synthetic row stands for, under the study's unit. */
export const estimandOf = ({ privacy }: Pick<Manifest, 'privacy'>): string => sentences[privacy.unit].estimand

/** The formal promise, from public facts alone: any hospital computes the same. Cost: `pricePlan`. */
export const privacyOf = (manifest: Manifest): Privacy => {
  const { plan, federation } = manifest
  const price = pricePlan(manifest)
  const { epsilon, contributors } = price
  return {
    unit: price.unit,
    ...sentences[price.unit],
    delta: price.delta,
    largest_delta: price.largestDelta,
    delta_flag: price.deltaFlag,
    public: promise(epsilon.public),
    peer: promise(epsilon.peer),
    patient: epsilon.patient && {
      ...view(epsilon.patient),
      most_rows: epsilon.patient.mostRows,
      odds: oddsSentence(epsilon.patient.epsilon),
    },
    colluders: epsilon.byColluders.map((figure, colluders) => ({
      colluders,
      ...view(figure),
      isolates: colluders >= contributors.isolation,
    })),
    hospitals: epsilon.perHospitals.map((figure) => ({
      hospitals: figure.hospitals,
      ...view(figure),
      odds: oddsSentence(figure.epsilon),
    })),
    ledger: {
      ...view(price.ledger),
      what: "charged to each hospital's patient ledger before the run: all attempts, as another hospital sees them",
    },
    accountant: `Privacy loss distributions (pessimistic connect-the-dots), both directions of add or remove, over all attempts that the plan reserves, used or not; never more than the bound by Renyi differential privacy${manifest.evaluation === undefined ? '' : '; training and the evaluation ask different patients, and the dearer of the two counts'}`,
    sampler_distance: price.distance,
    queries: plan.queries.map((query, i) => ({
      kind: query.kind,
      what: whatItAsks[query.kind],
      dimension: query.dimension,
      steps: query.steps,
      attempts: query.attempts,
      sampling_rate: query.sampling_rate,
      clip_norm: query.clip_norm,
      noise_multiplier: query.noise_multiplier,
      effective_multiplier: price.queries[i]?.effectiveMultiplier ?? query.noise_multiplier,
      divisor: query.divisor,
    })),
    promised_units: promisedUnits(manifest),
    noise_shares: federation.noise_shares,
    cost_of_this_cohort: 0,
  }
}
