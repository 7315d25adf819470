import type { CohortPlan } from '../cohort/plan.ts'
import type { Grade } from './report-schema.ts'

/**
 * Limits of a cohort's grade: rules of thumb of ours. Patients that may stand behind it, and the error of one released count
 * (1.96 deviations of its noise) over the units of privacy behind it: at 1 nothing of the cohort can be seen in the marginals.
 */
const limits = { patients: { usable: 100, coarse: 20 }, noise: { usable: 0.2, coarse: 1 } } as const

/** What stands behind one cohort. */
export interface CohortWorth {
  readonly grade: Grade
  /** Fewer units than the error of a released count. */
  readonly isBelowNoise: boolean
  /** In units of privacy. */
  readonly expectedUnits: number
}

type Judged = Pick<CohortPlan, 'support' | 'expected_patients' | 'warnings'>

/** `error`: 95 % error of one released count, in units of privacy. The plan's own word that patients are few counts as well. */
export const cohortWorth = (plan: Judged, promisedUnits: number, error: number): CohortWorth => {
  const { patients, noise } = limits
  const expectedUnits = plan.support * promisedUnits
  const isBelowNoise = expectedUnits < noise.coarse * error
  const isFew = plan.expected_patients < patients.coarse || plan.warnings.some(({ code }) => code === 'few_patients')
  const isSmall = plan.expected_patients < patients.usable || noise.usable * expectedUnits < error
  return { grade: isFew || isBelowNoise ? 'little' : isSmall ? 'coarse' : 'usable', isBelowNoise, expectedUnits }
}
