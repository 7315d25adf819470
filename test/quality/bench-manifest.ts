import { resolve } from 'node:path'
import { levelsBeside } from '@tributary/shared/study/levels-file'
import { freezeStudy, type Manifest, parseStudy, type StudyDraft } from '@tributary/shared/study/manifest'
import type { StudyText } from './bench-study.ts'

/** What a run promises and asks for beyond its study. */
export interface BenchTerms {
  readonly unit: 'row' | 'patient'
  readonly epsilon: number
  readonly delta: number
  /** Units and rows to train on: what the sites promise together, to three digits (R19). */
  readonly patients: number
  readonly rows: number
  readonly mostRowsPerPatient: number
}

const digits = (count: number): number => Math.max(1, Number(count.toPrecision(3)))

/** The study on `terms`: noise shares of all sites together, no evaluation, delta above 1 / (10 N) allowed as a comparison (R8, R20). */
const onTerms = (study: StudyText, terms: BenchTerms, family: StudyText): StudyText => {
  const {
    evaluation: _,
    plan: __,
    privacy,
    sites,
    federation,
    ...rest
  } = study as StudyText & {
    privacy: StudyText
    sites: readonly StudyText[]
    federation?: StudyText
  }
  const units = terms.unit === 'row' ? terms.rows : terms.patients
  const each = (total: number) => Math.max(1, Math.ceil(digits(total) / sites.length))
  const { published_comparison: ___, unit: ____, most_rows_per_patient: most, ...kept } = privacy
  return {
    ...rest,
    family,
    privacy: {
      ...kept,
      unit: terms.unit,
      epsilon: terms.epsilon,
      delta: terms.delta,
      ...(terms.unit === 'row' ? { most_rows_per_patient: most ?? terms.mostRowsPerPatient } : {}),
      ...(terms.delta > 1 / (10 * units) ? { published_comparison: true } : {}),
    },
    sites: sites.map((site) => ({
      ...site,
      promised_patients: each(terms.patients),
      promised_rows: each(terms.rows),
    })),
    federation: { ...federation, least_contributors: sites.length, noise_shares: sites.length },
  }
}

/** The family's block: the study's own where it is that family, else its defaults, with `settings` in place of single ones. */
export const familyBlock = (study: StudyText, name: string, settings: StudyText): StudyText => {
  const own = study.family as StudyText | undefined
  return { ...(own?.name === name ? own : { name }), ...settings }
}

const parsed = (file: string, study: StudyText): StudyDraft =>
  parseStudy(JSON.stringify(study), file, 'drop', levelsBeside(resolve(file))).draft

/** The study as its file has it, for columns and source alone. */
export const draftOf = (file: string, study: StudyText): StudyDraft => parsed(file, study)

/**
 * The frozen study of one family on some terms. A family that knows outcomes is told `outcome`, the column that will be foretold: a
 * public fact. Throws `StudyRefused` with every finding.
 */
export const benchManifest = (
  file: string,
  study: StudyText,
  terms: BenchTerms,
  family: StudyText,
  outcome: string | undefined,
): Manifest => {
  const told = outcome === undefined || 'outcome' in family ? family : { ...family, outcome }
  try {
    return freezeStudy(parsed(file, onTerms(study, terms, told)))
  } catch (error) {
    const isUnknown = told !== family && error instanceof Error && /outcome/.test(error.message)
    if (!isUnknown) throw error
    return freezeStudy(parsed(file, onTerms(study, terms, family)))
  }
}
