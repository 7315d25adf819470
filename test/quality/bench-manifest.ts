import { resolve } from 'node:path'
import { levelsBeside } from '@tributary/shared/study/levels-file'
import { autoSchema } from '@tributary/shared/synthesizers/auto/schema'
import { autoregressiveSchema } from '@tributary/shared/synthesizers/autoregressive/schema'
import { ganSchema } from '@tributary/shared/synthesizers/gan/schema'
import { mixtureSchema } from '@tributary/shared/synthesizers/mixture/schema'
import { freezeStudy, type Manifest, parseStudy, type StudyDraft } from '@tributary/shared/study/manifest'
import type { StudyText } from './study-text.ts'

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

const schemas = { autoregressive: autoregressiveSchema, mixture: mixtureSchema, gan: ganSchema, auto: autoSchema }

export type FamilyName = keyof typeof schemas

const keysOf = (name: FamilyName): readonly string[] => Object.keys(schemas[name].shape)

/** Settings that no family of `names` has. */
export const unknownSettings = (names: readonly FamilyName[], settings: StudyText): string[] =>
  Object.keys(settings).filter((key) => !names.some((name) => keysOf(name).includes(key)))

/**
 * The family's block: the study's own where it is that family, else its defaults, with those of `settings` that it has in place of
 * single ones. A family that knows outcomes is told `outcome`, the column that will be foretold: a public fact.
 */
export const familyBlock = (
  study: StudyText,
  name: FamilyName,
  settings: StudyText,
  outcome: string | undefined,
): StudyText => {
  const keys = keysOf(name)
  const own = study.family as StudyText | undefined
  const told = outcome !== undefined && keys.includes('outcome') ? { outcome } : {}
  const changed = Object.fromEntries(Object.entries(settings).filter(([key]) => keys.includes(key)))
  return { ...told, ...(own?.name === name ? own : { name }), ...changed }
}

const parsed = (file: string, study: StudyText): StudyDraft =>
  parseStudy(JSON.stringify(study), file, 'drop', levelsBeside(resolve(file))).draft

/** The study as its file has it, for columns and source alone. */
export const draftOf = (file: string, study: StudyText): StudyDraft => parsed(file, study)

/** The frozen study of one family's block on some terms. Throws `StudyRefused` with every finding. */
export const benchManifest = (file: string, study: StudyText, terms: BenchTerms, family: StudyText): Manifest =>
  freezeStudy(parsed(file, onTerms(study, terms, family)))
