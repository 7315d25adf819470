import { heldOutShare } from '@tributary/shared/evaluation/held-out-share'
import { readScores, type ScoreReading } from '@tributary/shared/evaluation/score-reading'
import { scorerOf } from '@tributary/shared/evaluation/scorer'
import { scoreShapeOf } from '@tributary/shared/study/score-shape'
import type { Manifest } from '@tributary/shared/study/study-schema'
import type { Evaluation } from '../evaluation/evaluation.ts'
import type { EvaluationSection } from './evaluation-schema.ts'

const classifier =
  'a logistic regression of the outcome on every other column, trained on synthetic rows of this generator and announced to every hospital'

const probability = (logOdds: number): number => 1 / (1 + Math.exp(-logOdds))

const rocOf = ({ roc }: ScoreReading): EvaluationSection['roc'] =>
  roc.map(({ falsePositive, truePositive }) => ({ false_positive: falsePositive, true_positive: truePositive }))

/** Standard errors by which the AUC on synthetic rows may exceed that on patients before relations count as overstated. */
const clearExcess = 3

const excessOf = (heldOut: ScoreReading['auc'], synthetic: ScoreReading['auc']): EvaluationSection['excess'] => {
  if (heldOut === null || synthetic === null) return null
  const auc = synthetic.value - heldOut.value
  const error = Math.hypot(heldOut.noiseError, heldOut.samplingError, synthetic.samplingError)
  return { auc, error, is_clear: auc > clearExcess * error }
}

const figure = (value: number): string => value.toFixed(3)

const sentenceOf = (heldOut: ScoreReading, synthetic: ScoreReading): string => {
  const patients = heldOut.positives + heldOut.negatives
  const count = `${Math.round(patients).toLocaleString('en')} patients, noised`
  const beside = synthetic.auc === null ? '' : `; on synthetic rows ${figure(synthetic.auc.value)}`
  return heldOut.auc === null
    ? `On patients held out at the hospitals: too few beside the noise to read anything off (${count})${beside}.`
    : `On patients held out at the hospitals: AUC ${figure(heldOut.auc.value)} +- ${figure(heldOut.auc.noiseError)} (standard error of the noise; ${count})${beside}.`
}

/**
 * What the evaluation of a study's generator says, from the opened noisy sum of `contributors` sites: post-processing, no privacy
 * cost. Undefined for a study without an evaluation, or before its sum was opened.
 */
export const evaluationOf = (
  manifest: Manifest,
  evaluation: Evaluation | null,
  contributors: number,
): EvaluationSection | undefined => {
  const shape = scoreShapeOf(manifest)
  const query = manifest.plan.queries.find(({ kind }) => kind === 'scores')
  if (shape === null || query === undefined || evaluation === null || evaluation.heldOut === null) return undefined
  const noise = query.noise_multiplier * query.clip_norm * Math.sqrt(contributors / manifest.federation.noise_shares)
  const heldOut = readScores(evaluation.heldOut, noise)
  const synthetic = readScores(evaluation.synthetic, 0)
  const ends = [0, ...Array.from(scorerOf(shape, evaluation.parameters).thresholds, probability), 1]
  return {
    sentence: sentenceOf(heldOut, synthetic),
    outcome: manifest.evaluation?.outcome ?? '',
    positive: [...(manifest.evaluation?.positive ?? [])],
    classifier,
    held_out_share: heldOutShare,
    noise,
    patients: heldOut.positives + heldOut.negatives,
    positives: heldOut.positives,
    patients_error: Math.SQRT2 * heldOut.countError,
    held_out: heldOut.auc && {
      auc: heldOut.auc.value,
      noise_error: heldOut.auc.noiseError,
      sampling_error: heldOut.auc.samplingError,
    },
    synthetic_auc: synthetic.auc?.value ?? null,
    excess: excessOf(heldOut.auc, synthetic.auc),
    bins: heldOut.bins.map(({ positives, negatives, positiveShare, shareError }, b) => ({
      from: ends[b] ?? 0,
      to: ends[b + 1] ?? 1,
      patients: positives + negatives,
      positive_share: positiveShare,
      share_error: shareError,
      synthetic_share: synthetic.bins[b]?.positiveShare ?? null,
    })),
    roc: rocOf(heldOut),
    synthetic_roc: rocOf(synthetic),
  }
}
