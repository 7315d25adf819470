import type { StudyDraft } from '@tributary/shared/study/manifest'
import type { Layout } from '@tributary/shared/synthesizers/cells'
import { transferAuc } from './logistic-regression.ts'
import { marginalDistance, type WeightedRows } from './pairwise-distance.ts'

/** The column to foretell, and the codes that count as yes. */
export interface Outcome {
  readonly column: number
  readonly positive: ReadonlySet<number>
}

/** What real training rows reach on held-out patients: what a cohort is measured against. */
export interface Reference {
  readonly layout: Layout
  readonly outcome: Outcome
  readonly heldOut: WeightedRows
  readonly tvd2: number
  readonly auc: number
}

export interface CohortQuality {
  /** Mean total variation distance of the 2-way marginals to held-out rows. */
  readonly tvd2: number
  readonly tvd2Real: number
  /** Cohort minus training rows: below 0 is better than real. */
  readonly tvd2Excess: number
  readonly auc: number
  readonly aucReal: number
  /** Cohort minus training rows: below 0 is worse than real. */
  readonly aucDifference: number
}

/** Readmitted at all: every level of `readmitted` but NO. */
export const readmission = ({ columns }: Pick<StudyDraft, 'columns'>): Outcome => {
  const column = columns.findIndex(({ name }) => name === 'readmitted')
  const spec = columns[column]
  if (spec?.kind !== 'categorical') throw new Error('the study has no categorical column readmitted')
  return { column, positive: new Set(spec.levels.flatMap((level, code) => (level === 'NO' ? [] : [code]))) }
}

export const referenceOf = (
  layout: Layout,
  outcome: Outcome,
  train: WeightedRows,
  heldOut: WeightedRows,
): Reference => ({
  layout,
  outcome,
  heldOut,
  tvd2: marginalDistance(layout, 2, train, heldOut),
  auc: transferAuc(layout, train, heldOut, outcome.column, outcome.positive),
})

/** Against the reference's held-out rows; every row of a cohort counts once. */
export const qualityOf = (reference: Reference, cells: Uint16Array): CohortQuality => {
  const { layout, outcome, heldOut } = reference
  const tvd2 = marginalDistance(layout, 2, { cells }, heldOut)
  const auc = transferAuc(layout, { cells }, heldOut, outcome.column, outcome.positive)
  return {
    tvd2,
    tvd2Real: reference.tvd2,
    tvd2Excess: tvd2 - reference.tvd2,
    auc,
    aucReal: reference.auc,
    aucDifference: auc - reference.auc,
  }
}
