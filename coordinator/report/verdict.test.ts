import { scorerLength } from '@tributary/shared/evaluation/scorer'
import { promisedUnits } from '@tributary/shared/study/federation'
import { scoreShapeOf } from '@tributary/shared/study/score-shape'
import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { sampleStudy, reportFacts } from '../../test/harness/report-fixture.ts'
import { planWarnings } from '../cohort/plan-warnings.ts'
import { marginalNoise } from './noise-of-marginals.ts'
import { buildReport } from './report.ts'
import type { Grade, Report } from './report-schema.ts'
import type { EvaluationSection } from './evaluation-schema.ts'
import { evaluationOf } from './evaluation-section.ts'
import { verdictOf } from './verdict.ts'

const study = sampleStudy('diabetes5-patient')
const marginals = marginalNoise(study, 5)!
const promised = promisedUnits(study)
const error = 1.96 * marginals.units

/** A generator of which `lost` of 18 cells are like zero, and a cohort with `patients` behind it. */
interface Wanted {
  lost?: number
  where?: boolean
  rows?: number
  evaluation?: EvaluationSection
}
const judged = (patients: number, wanted: Wanted = {}) => {
  const { lost = 0, where = true, rows = 100_000, evaluation } = wanted
  const levels = Array.from({ length: 18 }, (_, i) => ({ like_zero: i < lost }))
  const fidelity = { cells: 18, columns: [{ levels }] } as unknown as Report['fidelity']
  const plan = {
    rows,
    support: patients / promised,
    support_standard_error: 0,
    expected_patients: patients,
    effective_sample_size: rows,
    largest_weight: 1,
  }
  return verdictOf(study, {
    marginals,
    relationsContributors: 5,
    fidelity,
    plan: { ...plan, handling: where ? 'exact' : 'unconditional', warnings: planWarnings(plan) },
    promisedUnits: promised,
    evaluation,
  })
}

const ranks: readonly Grade[] = ['usable', 'coarse', 'little']

describe('verdictOf', () => {
  it('grades a cohort that nobody stands behind as little, whatever the generator is worth', () => {
    const verdict = judged(0.047)
    expect(verdict).toMatchObject({
      grade: 'little',
      marginals_grade: 'usable',
      relations_grade: 'usable',
      cohort_grade: 'little',
      cohort_below_noise: true,
    })
    expect(verdict.headline).toMatch(/^Less than one patient may stand behind this cohort: its rows are the guess/)
    expect(verdict.sentences.at(-1)).toMatch(/^About 0\.047 patients may stand .* extrapolated\.$/)
  })

  it('caps by few patients, then by few tens, then by the noise beside them', () => {
    expect(error).toBeGreaterThan(1)
    const enough = Math.max(100, 5 * error)
    expect(judged(enough + 1)).toMatchObject({ grade: 'usable', cohort_grade: 'usable' })
    expect(judged(enough - 1)).toMatchObject({ grade: 'coarse', cohort_grade: 'coarse' })
    expect(judged(Math.max(20, error) + 0.5)).toMatchObject({ grade: 'coarse', cohort_grade: 'coarse' })
    expect(judged(Math.max(20, error) - 0.5)).toMatchObject({ grade: 'little', cohort_grade: 'little' })
  })

  it('takes the word of the plan that patients are few', () => {
    const seen = { support: 1, handling: 'exact', expected_patients: 50_000 } as const
    const fidelity = { cells: 18, columns: [] } as unknown as Report['fidelity']
    const warnings = [{ code: 'few_patients', message: 'few' }]
    const facts = { marginals, relationsContributors: 5, fidelity, promisedUnits: promised }
    expect(verdictOf(study, { ...facts, plan: { ...seen, warnings: [] } }).grade).toBe('usable')
    expect(verdictOf(study, { ...facts, plan: { ...seen, warnings } }).grade).toBe('little')
  })

  it('speaks of this cohort where a condition was given, of the generator otherwise', () => {
    expect(judged(4600).headline).toBe(
      'About 4,600 of the promised patients may stand behind this cohort, and the noise is small beside them.',
    )
    expect(judged(4600, { lost: 5 }).headline).toMatch(/^About 4,600 of .*, drawn from a generator whose noise is vis/)
    expect(judged(4600, { lost: 10 }).headline).toMatch(/^About 4,600 of .* itself mostly noise/)
    expect(judged(promised, { where: false }).headline).toMatch(/^The noise is small beside what these hospitals/)
    // A study this small needs no condition to be about few.
    expect(judged(12, { where: false }).headline).toMatch(/^About 12 of the promised patients .* too few/)
  })

  it('says it once when every cell can be told from zero', () => {
    expect(judged(4600).sentences[0]).toBe(
      `At epsilon 3 with ${promised.toLocaleString('en')} patients promised, every one of the 18 cells of the released marginals can be told from zero.`,
    )
    expect(judged(4600, { lost: 1 }).sentences[0]).toContain('1 of 18 cells of the released marginals cannot be told')
  })

  property.prop([fc.double({ min: 0, max: 60_000, noNaN: true }), fc.nat(18), fc.boolean()], { numRuns: 60 })(
    'never grades better than the worst of its parts, nor better with fewer patients',
    (patients, lost, where) => {
      const verdict = judged(patients, { lost, where })
      const parts = [verdict.marginals_grade, verdict.relations_grade, verdict.cohort_grade]
      expect(ranks.indexOf(verdict.grade)).toBe(Math.max(...parts.map((grade) => ranks.indexOf(grade))))
      const fewer = judged(patients / 2, { lost, where })
      expect(ranks.indexOf(fewer.grade)).toBeGreaterThanOrEqual(ranks.indexOf(verdict.grade))
      if (where && patients < 20)
        expect(`${verdict.grade} ${verdict.headline}`).toMatch(/^little .* (patient|patients) may stand/)
    },
  )
})

/** Of a study with an evaluation: histograms of four bins, `synthetic` and `patients` scored by the same classifier. */
const evaluated = (synthetic: readonly number[], patients: readonly number[], sigma = 2): EvaluationSection => {
  const draft = sampleStudy('first-steps')
  const asked = { outcome: 'readmitted', positive: ['yes'], bins: 4, spares: 1 }
  const query = { ...draft.plan.queries[0]!, kind: 'scores' as const, noise_multiplier: sigma, clip_norm: 1 }
  const manifest = { ...draft, evaluation: asked, plan: { ...draft.plan, queries: [...draft.plan.queries, query] } }
  const shape = scoreShapeOf(manifest)!
  const evaluation = {
    parameters: new Float32Array(scorerLength(shape)),
    synthetic: Float64Array.from(synthetic),
    heldOut: Float64Array.from(patients),
  }
  return evaluationOf(manifest, evaluation, 3)!
}

describe('an evaluation that was bought', () => {
  const strong = [8000, 3000, 1500, 500, 300, 900, 2500, 6000]
  const mild = [6000, 4000, 3000, 2000, 1500, 1700, 1900, 2200]
  const weak = [400, 350, 300, 250, 150, 160, 180, 200]

  it('speaks in the box, and takes the green off relations that patients do not show', () => {
    const evaluation = evaluated(strong, weak)
    const { auc, error, is_clear: isClear } = evaluation.excess!
    expect(auc).toBeCloseTo(evaluation.synthetic_auc! - evaluation.held_out!.auc, 12)
    expect(error).toBeGreaterThan(Math.hypot(evaluation.held_out!.noise_error, evaluation.held_out!.sampling_error))
    expect([isClear, auc > 3 * error]).toEqual([true, true])
    const verdict = judged(promised, { where: false, evaluation })
    expect(verdict).toMatchObject({ grade: 'coarse', relations_grade: 'coarse' })
    expect(verdict.sentences).toContain(evaluation.sentence)
    expect(`${verdict.headline} ${verdict.sentences.join(' ')}`).toMatch(
      /but relations are stronger in synthetic rows than in patients\. .*By that measure relations are stronger/,
    )
    expect(judged(4600, { evaluation }).headline).toMatch(/^About 4,600 .*, but relations are stronger/)
    // Few patients or much noise stay the greater matter.
    expect(judged(12, { evaluation })).toMatchObject({ grade: 'little', relations_grade: 'coarse' })
    expect(judged(12, { evaluation }).headline).toContain('too few')
  })

  it('leaves the grade where patients show as much, or where the noise hides whether they do', () => {
    expect(evaluated(mild, weak).excess?.is_clear).toBe(true)
    expect(evaluated(mild, weak, 60).excess).not.toBeNull()
    for (const evaluation of [evaluated(strong, strong), evaluated(weak, strong), evaluated(mild, weak, 60)]) {
      expect(evaluation.excess?.is_clear ?? false).toBe(false)
      const verdict = judged(promised, { where: false, evaluation })
      expect(verdict).toMatchObject({ grade: 'usable', relations_grade: 'usable' })
      expect(verdict.sentences).toContain(evaluation.sentence)
      expect(verdict.sentences.join(' ')).not.toContain('stronger in synthetic')
    }
  })
})

it('a report carries the verdict on its cohort to what it is for and what it warns of', async () => {
  const large = await reportFacts('diabetes5-patient', { sampleRows: 500 })
  const whole = buildReport(large)
  expect(whole.verdict).toMatchObject({ grade: 'usable', cohort_below_noise: false })
  expect(whole.verdict.cells_like_zero / whole.verdict.cells).toBeLessThan(0.1)
  expect(whole.not_for.join(' ')).not.toContain('any estimate at all')
  expect(whole.fidelity.notes.join(' ')).not.toContain('error bars are wide')
  const where = 'age < 10'
  const plan = { ...large.plan, where, handling: 'exact' as const, support: 8e-7, expected_patients: 0.047 }
  const few = buildReport({ ...large, plan: { ...plan, support_noise_error: 2e-6 } })
  expect(few.verdict.grade).toBe('little')
  expect(few.not_for.join(' ')).toContain('any estimate at all')
  expect(few.support.sentence).toContain('less than one of the promised patients does')
  expect(few.support).toMatchObject({ noise_error: 2e-6, expected_patients: 0.047 })
  expect(buildReport({ ...large, plan: { ...plan, support_noise_error: null } }).support.noise_error).toBeNull()
})
