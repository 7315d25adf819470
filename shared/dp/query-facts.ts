import { heldOutShare } from '../evaluation/held-out-share.ts'
import { scoreNorm } from '../evaluation/score-sum.ts'
import { layoutOfColumns } from '../schema/column.ts'
import { promisedUnits } from '../study/federation.ts'
import type { StudyDraft } from '../study/study-schema.ts'
import { describeQueries } from '../synthesizers/autoregressive/plan.ts'
import type { AutoregressiveSettings } from '../synthesizers/autoregressive/settings.ts'
import { layoutOf } from '../synthesizers/cells.ts'
import { clipNorm, samplingRate } from '../units.ts'
import type { Query } from './query.ts'

/** What a study's own facts fix of a query; its noise and its grid are the planner's. */
export type QueryFacts = Omit<Query, 'noiseMultiplier' | 'grid'>

/** The family block as the synthesizer takes it. */
export const settingsOf = (family: StudyDraft['family']): AutoregressiveSettings => ({
  hidden: family.hidden,
  learningRate: family.learning_rate,
  averagedShare: family.averaged_share,
  marginalShare: family.marginals_share,
})

type Facts = Pick<StudyDraft, 'columns' | 'family' | 'evaluation' | 'privacy' | 'sites'>

/**
 * The study's queries in their order: marginals, gradients, and where it asks for an evaluation one histogram of scores. Patients
 * held out take part in the last alone, so that divisors count the promised share of the units on either side.
 */
export const queryFactsOf = (draft: Facts): readonly QueryFacts[] => {
  const { columns, family, evaluation } = draft
  const shape = describeQueries(layoutOf(layoutOfColumns(columns).sizes), settingsOf(family))
  const units = promisedUnits(draft)
  const trained = evaluation === undefined ? 1 : 1 - heldOutShare
  const facts = (kind: 'marginals' | 'gradient', rate: number, steps: number): QueryFacts => ({
    kind,
    dimension: shape[kind].dimension,
    clipNorm: clipNorm(shape[kind].clipNorm),
    samplingRate: samplingRate(rate),
    divisor: rate * units * trained,
    steps,
    attempts: steps + family.spares[kind],
  })
  const training = [facts('marginals', 1, 1), facts('gradient', family.sampling_rate, family.steps)]
  if (evaluation === undefined) return training
  const scores: QueryFacts = {
    kind: 'scores',
    dimension: 2 * evaluation.bins,
    clipNorm: scoreNorm,
    samplingRate: samplingRate(1),
    divisor: units * heldOutShare,
    steps: 1,
    attempts: 1 + evaluation.spares,
  }
  return [...training, scores]
}
