import { CodedError } from '@tributary/shared/errors'
import { levelMarginals } from '@tributary/shared/generator/generator-levels'
import { promisedUnits } from '@tributary/shared/study/federation'
import type { Generator } from '@tributary/shared/generator/generator'
import { additionsOf } from '../cohort/order.ts'
import type { CohortPlan } from '../cohort/plan.ts'
import type { Evaluation } from '../evaluation/evaluation.ts'
import type { PublishedStudy } from '../studies/study-store.ts'
import type { CohortTally } from './cohort-tally.ts'
import { definitionsOf } from './definitions.ts'
import { evaluationOf } from './evaluation-section.ts'
import { fidelityOf } from './fidelity.ts'
import { marginalNoise, relationsNoise } from './noise-of-marginals.ts'
import { pairsOf } from './pair-map.ts'
import { contributorsOf, noiseSharesOf, participationOf, type RunFacts } from './participation.ts'
import { privacyOf } from './privacy-section.ts'
import { type Report, reportSchema } from './report-schema.ts'
import {
  addedLimits,
  glossary,
  handlingSentences,
  limitsOf,
  notForOf,
  reproduceOf,
  strataSentence,
  supportSentence,
} from './report-texts.ts'
import { verdictOf } from './verdict.ts'

export { type Report, reportSchema } from './report-schema.ts'

/** All that a report is made of: public facts, the released model, and what was counted of synthetic rows. */
export interface ReportFacts {
  readonly releaseId: string
  readonly created: Date
  /** Why the cohort was asked for: its context of use. */
  readonly purpose: string
  readonly federation: string
  readonly published: Pick<PublishedStudy, 'study' | 'manifest' | 'manifestHash'>
  readonly run: RunFacts
  readonly model: Generator
  readonly modelSha256: string
  /** Of the model on held-out patients; none where the study asked for none. */
  readonly evaluation?: Evaluation | null
  readonly plan: CohortPlan
  readonly cohort: CohortTally
  /** Unconditional rows of the same model, raked to its released marginals as cohorts are. */
  readonly sample: CohortTally
  /** What they are worth, in rows: the effective sample size of the plan of such a sample. */
  readonly sampleEffectiveRows: number
  /** As many unconditional rows of the network alone, not raked. */
  readonly network: CohortTally
}

const definitions = Object.fromEntries([...definitionsOf(reportSchema)].map(([path, what]) => [path, what ?? '']))

/**
 * The report of one cohort: post-processing, no privacy cost. Equal facts give an equal report. Throws `STATE_CORRUPT` for a model
 * without released marginals, `ARGUMENT_INVALID` for an empty cohort or sample, or tallies of other columns. Cost: O(cells + pairs'
 * tables), and `pricePlan`.
 */
export const buildReport = (facts: ReportFacts): Report => {
  const { published, model, plan, cohort, sample, run } = facts
  const { manifest } = published
  const marginals = levelMarginals(model)
  const noise = marginalNoise(manifest, noiseSharesOf(manifest, run, 'marginals'))
  if (marginals === null || noise === undefined)
    throw new CodedError('STATE_CORRUPT', 'the released model has no marginals to compare with')
  refuseOthers(manifest.columns, cohort, 'cohort')
  refuseOthers(manifest.columns, sample, 'sample')
  refuseOthers(manifest.columns, facts.network, 'network')
  const fidelity = fidelityOf(marginals, noise, facts)
  const units = promisedUnits(manifest)
  const { kind } = relationsNoise(manifest, 1)
  const relationsContributors = noiseSharesOf(manifest, run, kind)
  const evaluation = evaluationOf(manifest, facts.evaluation ?? null, contributorsOf(manifest, run, 'scores'))
  const seen = { marginals: noise, relationsContributors, fidelity, plan, promisedUnits: units, evaluation }
  const verdict = verdictOf(manifest, seen)
  const participation = participationOf(manifest, run)
  const created = facts.created.toISOString()
  return {
    tributary: 'report/1',
    synthetic: true,
    release: facts.releaseId,
    created,
    federation: facts.federation,
    context_of_use: facts.purpose,
    not_for: notForOf(verdict.grade),
    generator: {
      name: manifest.name,
      purpose: manifest.purpose.trim(),
      study: published.study,
      manifest_sha256: published.manifestHash,
      model_sha256: facts.modelSha256,
      columns: manifest.columns.length,
      parameters: valuesPerRelease(manifest),
    },
    verdict,
    asked: {
      rows: plan.rows,
      seed: plan.seed,
      where: plan.where,
      ...additionsOf(plan),
      ...(plan.strata !== undefined && { strata: plan.strata }),
      ...(plan.absent !== undefined && { absent: plan.absent }),
      ...(plan.what_if !== undefined && { what_if: plan.what_if }),
      cohort_floor: plan.cohort_floor,
      handling: plan.handling,
      handling_sentence: plan.strata === undefined ? handlingSentences[plan.handling] : strataSentence,
      columns: plan.columns,
      draws: plan.draws,
      effective_sample_size: plan.effective_sample_size,
      largest_weight: plan.largest_weight,
    },
    privacy: privacyOf(manifest),
    participation,
    fidelity,
    pairs: pairsOf(cohort, sample),
    ...(evaluation !== undefined && { evaluation }),
    support: {
      support: plan.support,
      standard_error: plan.support_standard_error,
      noise_error: plan.support_noise_error,
      promised_patients: participation.promised_patients,
      expected_patients: plan.expected_patients,
      sentence: supportSentence(plan.where, { support: plan.support, expected: plan.expected_patients }),
      warnings: plan.warnings,
    },
    limits: [
      ...limitsOf(
        verdict.grade,
        evaluation !== undefined ? 'done' : manifest.evaluation !== undefined ? 'bought' : 'no',
      ),
      ...addedLimits(plan),
    ],
    reproduce: reproduceOf({
      ...facts,
      created,
      generator: manifest.name,
      study: published.study,
      rows: plan.rows,
      seed: plan.seed,
      where: plan.where,
      additions: additionsOf(plan),
    }),
    glossary,
    definitions,
  }
}

/** Of the training query that learns relations: a network's gradient has one for each weight. */
const valuesPerRelease = ({ plan }: PublishedStudy['manifest']): number =>
  plan.queries.reduce((most, { kind, dimension }) => (kind === 'scores' ? most : Math.max(most, dimension)), 0)

const refuseOthers = (
  columns: readonly { readonly name: string }[],
  tally: CohortTally,
  what: 'cohort' | 'sample' | 'network',
): void => {
  if (tally.rows === 0) throw new CodedError('ARGUMENT_INVALID', `the ${what} has no rows`)
  const same =
    tally.columns.length === columns.length && tally.columns.every(({ name }, j) => name === columns[j]!.name)
  if (!same) throw new CodedError('ARGUMENT_INVALID', `the ${what} has other columns than the study`)
}
