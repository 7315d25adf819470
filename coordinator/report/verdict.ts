import type { Manifest } from '@tributary/shared/study/study-schema'
import type { CohortPlan } from '../cohort/plan.ts'
import { gradientNoise, type MarginalNoise, z95 } from './noise-of-marginals.ts'
import type { Grade, Report } from './report-schema.ts'

/**
 * Limits of the grades: rules of thumb of ours, printed with the report. Marginals by the share of cells that cannot be told from
 * zero; relations by the noise of the whole training over the longest signal. Measured runs: the five-hospital diabetes
 * studies have 0.004 to 0.008 and come within a few thousandths of their training rows; heart4 has 0.29.
 */
const limits = { marginals: { usable: 0.15, coarse: 0.4 }, relations: { usable: 0.02, coarse: 0.1 } } as const

const gradeOf = (value: number, { usable, coarse }: { usable: number; coarse: number }): Grade =>
  value <= usable ? 'usable' : value <= coarse ? 'coarse' : 'little'

const ranks: readonly Grade[] = ['usable', 'coarse', 'little']
const worse = (a: Grade, b: Grade): Grade => (ranks.indexOf(a) > ranks.indexOf(b) ? a : b)

const headlines: Record<Grade, string> = {
  usable: 'The noise is small beside what these hospitals promised.',
  coarse: 'The noise is visible: large groups and strong relations only.',
  little: 'So few patients buy little at this epsilon: much of what this table shows is noise.',
}

const relationWords: Record<Grade, string> = {
  usable: 'Relations between columns were learned with little noise.',
  coarse: 'Only strong relations between columns can have been learned.',
  little: 'Relations between columns are mostly noise: do not read any of them as a finding.',
}

const figures = (value: number): string => Number(value.toPrecision(2)).toLocaleString('en')

interface Seen {
  readonly marginals: MarginalNoise
  readonly gradientContributors: number
  readonly fidelity: Report['fidelity']
  readonly plan: Pick<CohortPlan, 'support' | 'handling'>
  readonly promisedUnits: number
}

/** How much the generator can know, from public facts alone: the plan, the promises, the noisy marginals. */
export const verdictOf = (manifest: Manifest, seen: Seen): Report['verdict'] => {
  const { privacy } = manifest
  const isPatient = privacy.unit === 'patient' || privacy.most_rows_per_patient === 1
  const units = isPatient ? 'patients' : 'rows'
  const cells = seen.fidelity.cells
  const lost = seen.fidelity.columns.flatMap(({ levels }) => levels).filter((level) => level.like_zero).length
  const error = z95 * seen.marginals.units
  const { step, overall } = gradientNoise(manifest, seen.gradientContributors)
  const marginalsGrade = gradeOf(lost / cells, limits.marginals)
  const relationsGrade = gradeOf(overall, limits.relations)
  const grade = worse(marginalsGrade, relationsGrade)
  const expected = seen.plan.support * seen.promisedUnits
  const below = seen.plan.handling !== 'unconditional' && expected < error
  return {
    grade,
    headline: headlines[grade],
    sentences: [
      `At epsilon ${privacy.epsilon} with ${seen.promisedUnits.toLocaleString('en')} ${units} promised, ${lost} of ${cells} cells of the released marginals cannot be told from zero.`,
      `The count behind every cell is uncertain by ${figures(error)} ${units} either way (95 %): a group smaller than that cannot be seen in it.`,
      `In each step of training the noise was ${figures(step)} times as long as the longest signal that the promised ${units} could give, over all steps ${figures(overall)} times. ${relationWords[relationsGrade]}`,
      ...(below
        ? [
            `About ${figures(expected)} ${units} may stand behind this sub-population: fewer than that uncertainty. Its rows are extrapolated.`,
          ]
        : []),
    ],
    cells,
    cells_like_zero: lost,
    patients_error: error,
    marginals_grade: marginalsGrade,
    relations_noise: step,
    relations_noise_overall: overall,
    relations_grade: relationsGrade,
    cohort_below_noise: below,
  }
}
