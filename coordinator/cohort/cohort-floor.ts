import { CodedError } from '@tributary/shared/errors'
import type { Manifest } from '@tributary/shared/study/study-schema'

/** Patients of whom a study releases a cohort at least; 0 where it was frozen before there was a floor. */
export const cohortFloor = ({ cohort_floor: floor }: Pick<Manifest, 'cohort_floor'>): number => floor ?? 0

/** Patients that the sites promised together: what a share of the synthetic population is a share of (R19). */
export const promisedPatients = ({ sites }: Pick<Manifest, 'sites'>): number =>
  sites.reduce((sum, site) => sum + site.promised_patients, 0)

/** A part of the synthetic population, as the model tells it (R21). */
export interface PartOfPatients {
  /** What it is, in the words of a condition. */
  readonly text: string
  /** Of the order. */
  readonly field: string
  readonly support: number
  /** Standard error of the support, of the pilot and where it is known of the noise of training. */
  readonly error: number
}

/**
 * Refuses a part behind which fewer patients are expected than the study's floor: support times promised patients, from the
 * released model alone, never a look at patients. Throws `COHORT_TOO_SMALL`.
 */
export const refuseSmall = (
  manifest: Pick<Manifest, 'cohort_floor' | 'sites'>,
  { text, field, support, error }: PartOfPatients,
): void => {
  const floor = cohortFloor(manifest)
  const patients = support * promisedPatients(manifest)
  if (patients >= floor) return
  const spread = error * promisedPatients(manifest)
  const known = spread >= 0.05 ? `, +- ${patientText(spread)}` : ''
  throw new CodedError(
    'COHORT_TOO_SMALL',
    `${text}: about ${patientText(patients)} of the patients promised${known}, by the released model; the study's floor is ${floor}`,
    { place: { field } },
  )
}

const patientText = (patients: number): string => (patients < 10 ? patients.toFixed(1) : String(Math.round(patients)))
