import { heldOutShare } from '../evaluation/held-out-share.ts'
import { scorerLength } from '../evaluation/scorer.ts'
import { scoreNorm } from '../evaluation/score-sum.ts'
import { promisedUnits } from '../study/federation.ts'
import { scoreShapeOf } from '../study/score-shape.ts'
import type { StudyDraft } from '../study/study-schema.ts'
import { familyOf } from '../synthesizers/families.ts'
import { samplingRate } from '../units.ts'
import type { Query } from './query.ts'

/** What a study's own facts fix of a query; its noise and its grid are the planner's. */
export type QueryFacts = Omit<Query, 'noiseMultiplier' | 'grid'> & {
  /** Part of the budget, in zCDP, that all its attempts together may cost; null: what the others leave. */
  readonly share: number | null
  /** Numbers that a site is shown before it contributes. */
  readonly announced: number
  /** The most that one unit adds to a coordinate whose units pull the same way; 0 where they do not. */
  readonly reach: number
}

type Facts = Pick<StudyDraft, 'columns' | 'family' | 'evaluation' | 'privacy' | 'sites'>

/**
 * The study's queries in their order: those of its family, and where it asks for an evaluation one histogram of scores. Patients
 * held out take part in the last alone, so that divisors count the promised share of the units on either side. Throws
 * `ARGUMENT_INVALID` for settings that do not fit the table.
 */
export const queryFactsOf = (draft: Facts): readonly QueryFacts[] => {
  const { family, evaluation } = draft
  const units = promisedUnits(draft)
  const trained = evaluation === undefined ? 1 : 1 - heldOutShare
  const training = familyOf(family.name)
    .queries(draft)
    .map(({ steps, spares, samplingRate: rate, reach, ...query }): QueryFacts => {
      const divisor = rate * units * trained
      const attempts = steps + spares
      return {
        ...query,
        samplingRate: samplingRate(rate),
        divisor,
        steps,
        attempts,
        reach: reach ?? reachOf(query.kind),
      }
    })
  const shape = scoreShapeOf(draft)
  if (evaluation === undefined || shape === null) return training
  const scores: QueryFacts = {
    kind: 'scores',
    dimension: 2 * evaluation.bins,
    clipNorm: scoreNorm,
    samplingRate: samplingRate(1),
    divisor: units * heldOutShare,
    steps: 1,
    attempts: 1 + evaluation.spares,
    share: null,
    announced: scorerLength(shape),
    reach: reachOf('scores'),
  }
  return [...training, scores]
}

const reachOf = (kind: Query['kind']): number => (kind === 'gradient' ? 0 : 1)
