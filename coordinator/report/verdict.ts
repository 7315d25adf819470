import type { Manifest } from '@tributary/shared/study/study-schema'
import type { CohortPlan } from '../cohort/plan.ts'
import { type CohortWorth, cohortWorth } from './cohort-worth.ts'
import type { EvaluationSection } from './evaluation-schema.ts'
import { type MarginalNoise, type RelationsNoise, relationsNoise, z95 } from './noise-of-marginals.ts'
import type { Grade, Report } from './report-schema.ts'

/**
 * Limits of the generator's grades: rules of thumb of ours, printed with the report. Marginals by the share of cells that cannot be
 * told from zero; relations by the noise of the whole training over the longest signal. Measured runs: the five-hospital diabetes
 * studies have 0.004 to 0.008 and come within a few thousandths of their training rows; heart4 has 0.29.
 */
const limits = { marginals: { usable: 0.15, coarse: 0.4 }, relations: { usable: 0.02, coarse: 0.1 } } as const

const gradeOf = (value: number, { usable, coarse }: { usable: number; coarse: number }): Grade =>
  value <= usable ? 'usable' : value <= coarse ? 'coarse' : 'little'

const ranks: readonly Grade[] = ['usable', 'coarse', 'little']
const worst = (...grades: readonly Grade[]): Grade => ranks[Math.max(...grades.map((grade) => ranks.indexOf(grade)))]!

/** Of the whole synthetic population. */
const headlines: Record<Grade, string> = {
  usable: 'The noise is small beside what these hospitals promised.',
  coarse: 'The noise is visible: large groups and strong relations only.',
  little: 'So few patients buy little at this epsilon: much of what this table shows is noise.',
}

/** Of a sub-population, after how many may stand behind it. */
const generatorWords: Record<Grade, string> = {
  usable: ', and the noise is small beside them.',
  coarse: ', drawn from a generator whose noise is visible: large groups and strong relations only.',
  little: ', drawn from a generator that is itself mostly noise: so few patients buy little at this epsilon.',
}
const cohortWords: Record<Grade, string> = {
  usable: '',
  coarse: ': few beside the noise. Only its large groups can be read.',
  little: ': too few to be seen through the noise. What its rows say of them is mostly noise and guess.',
}

const relationWords: Record<Grade, string> = {
  usable: 'Relations between columns were learned with little noise.',
  coarse: 'Only strong relations between columns can have been learned.',
  little: 'Relations between columns are mostly noise: do not read any of them as a finding.',
}

const figures = (value: number): string => Number(value.toPrecision(2)).toLocaleString('en')
const overstated = 'relations are stronger in synthetic rows than in patients'

/** Of a study that bought an evaluation: what was found, and where it speaks against the relations. */
const evaluationSentences = (evaluation: EvaluationSection | undefined): string[] => {
  if (evaluation === undefined) return []
  const { sentence, excess } = evaluation
  if (excess === null || !excess.is_clear) return [sentence]
  const size = `${excess.auc.toFixed(3)} of AUC, standard error ${excess.error.toFixed(3)}`
  return [sentence, `By that measure ${overstated}: ${size}. Do not read how strong a relation is.`]
}

/** Of this cohort, if a condition was asked or its patients are what limits it; else of the generator. */
const headlineOf = (generator: Grade, cohort: Grade, plan: Seen['plan'], isOverstated: boolean): string => {
  if (plan.handling === 'unconditional' && ranks.indexOf(cohort) <= ranks.indexOf(generator))
    return isOverstated ? `The noise is small, but ${overstated}.` : headlines[generator]
  if (plan.expected_patients < 1)
    return 'Less than one patient may stand behind this cohort: its rows are the guess of the generator, about nobody.'
  const isLimit = ranks.indexOf(cohort) >= ranks.indexOf(generator) && cohort !== 'usable'
  return `About ${figures(plan.expected_patients)} of the promised patients may stand behind this cohort${isLimit ? cohortWords[cohort] : isOverstated ? `, but ${overstated}.` : generatorWords[generator]}`
}

const cellsSentence = (lost: number, cells: number): string => {
  if (lost === 0) return `every one of the ${cells} cells of the released marginals can be told from zero`
  return `${lost} of ${cells} cells of the released marginals cannot be told from zero`
}

const relationsSentence = ({ kind, step, overall }: RelationsNoise, units: string): string =>
  kind === 'pairs'
    ? `The share behind each cell of a table of two columns is uncertain by about ${figures(100 * z95 * overall)} % of the promised ${units} either way (95 %).`
    : `In each step of training the noise was ${figures(step)} times as long as the longest signal that the promised ${units} could give, over all steps ${figures(overall)} times.`

const cohortSentence = ({ grade, isBelowNoise, expectedUnits }: CohortWorth, units: string): string | null => {
  if (grade === 'usable') return null
  const behind = `About ${figures(expectedUnits)} ${units} may stand behind this cohort`
  if (isBelowNoise) return `${behind}: fewer than that uncertainty. Its rows are extrapolated.`
  return `${behind}: a group inside it that is smaller than that uncertainty cannot be told from noise.`
}

interface Seen {
  readonly marginals: MarginalNoise
  readonly relationsContributors: number
  readonly fidelity: Report['fidelity']
  readonly plan: Pick<CohortPlan, 'support' | 'handling' | 'expected_patients' | 'warnings'>
  readonly promisedUnits: number
  readonly evaluation?: EvaluationSection | undefined
}

/**
 * How much the generator can know, and how much of that is about this cohort, from public facts alone: the plan, the promises, the
 * noisy marginals, and the evaluation where the study bought one: relations that it finds overstated are coarse at best. The grade is the worst of its parts: a good generator makes no cohort that nobody stands behind usable.
 */
export const verdictOf = (manifest: Manifest, seen: Seen): Report['verdict'] => {
  const { privacy } = manifest
  const { plan, promisedUnits } = seen
  const isPatient = privacy.unit === 'patient' || privacy.most_rows_per_patient === 1
  const units = isPatient ? 'patients' : 'rows'
  const cells = seen.fidelity.cells
  const lost = seen.fidelity.columns.flatMap(({ levels }) => levels).filter((level) => level.like_zero).length
  const error = z95 * seen.marginals.units
  const relations = relationsNoise(manifest, seen.relationsContributors)
  const { step, overall } = relations
  const marginalsGrade = gradeOf(lost / cells, limits.marginals)
  const noiseGrade = gradeOf(overall, limits.relations)
  const isOverstated = seen.evaluation?.excess?.is_clear === true
  const relationsGrade = isOverstated ? worst(noiseGrade, 'coarse') : noiseGrade
  const generator = worst(marginalsGrade, relationsGrade)
  const isOnlyOverstated = isOverstated && worst(marginalsGrade, noiseGrade) === 'usable'
  const cohort = cohortWorth(plan, promisedUnits, error)
  const aboutCohort = cohortSentence(cohort, units)
  return {
    grade: worst(generator, cohort.grade),
    headline: headlineOf(generator, cohort.grade, plan, isOnlyOverstated),
    sentences: [
      `At epsilon ${privacy.epsilon} with ${promisedUnits.toLocaleString('en')} ${units} promised, ${cellsSentence(lost, cells)}.`,
      `The count behind every cell is uncertain by ${figures(error)} ${units} either way (95 %): a group smaller than that cannot be seen in it.`,
      `${relationsSentence(relations, units)} ${relationWords[noiseGrade]}`,
      ...evaluationSentences(seen.evaluation),
      ...(aboutCohort === null ? [] : [aboutCohort]),
    ],
    cells,
    cells_like_zero: lost,
    patients_error: error,
    marginals_grade: marginalsGrade,
    relations_noise: step,
    relations_noise_overall: overall,
    relations_grade: relationsGrade,
    cohort_grade: cohort.grade,
    cohort_below_noise: cohort.isBelowNoise,
  }
}
