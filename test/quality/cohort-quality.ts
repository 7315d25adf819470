import type { StudyDraft } from '@tributary/shared/study/manifest'
import type { Layout } from '@tributary/shared/synthesizers/cells'
import type { Dataset } from './dataset.ts'
import { transferAuc } from './logistic-regression.ts'
import { independentDistance, marginalDistance, type WeightedRows } from './pairwise-distance.ts'

/** The column to foretell, and the codes that count as yes. */
export interface Outcome {
  readonly column: number
  readonly positive: ReadonlySet<number>
}

/** Mean total variation distances to held-out rows, of the 1-way and of the 2-way marginals. */
export interface Distances {
  readonly tvd1: number
  readonly tvd2: number
}

/** What real training rows reach on held-out patients: what a cohort is measured against. */
export interface Reference extends Distances {
  readonly layout: Layout
  readonly outcome: Outcome
  readonly heldOut: WeightedRows
  readonly auc: number
  /** Of a table with the training rows' columns and nothing between them. */
  readonly independent: Distances
}

export interface CohortQuality extends Distances {
  readonly tvd1Real: number
  readonly tvd2Real: number
  readonly tvd1Independent: number
  readonly tvd2Independent: number
  /** Cohort minus training rows: below 0 is better than real. */
  readonly tvd2Excess: number
  readonly auc: number
  readonly aucReal: number
  /** Cohort minus training rows: below 0 is worse than real. */
  readonly aucDifference: number
}

/** Throws when the study has no such categorical column, or no such level in it. */
export const outcomeOf = (
  { columns }: Pick<StudyDraft, 'columns'>,
  { column: name, negative }: Dataset['outcome'],
): Outcome => {
  const column = columns.findIndex((each) => each.name === name)
  const spec = columns[column]
  if (spec?.kind !== 'categorical' || !spec.levels.includes(negative))
    throw new Error(`the study has no categorical column ${name} with a level ${negative}`)
  return { column, positive: new Set(spec.levels.flatMap((level, code) => (level === negative ? [] : [code]))) }
}

/** Training rows and held-out rows count by their weights, in the distances and in the classifier alike. */
export const referenceOf = (
  layout: Layout,
  outcome: Outcome,
  train: WeightedRows,
  heldOut: WeightedRows,
): Reference => ({
  layout,
  outcome,
  heldOut,
  tvd1: marginalDistance(layout, 1, train, heldOut),
  tvd2: marginalDistance(layout, 2, train, heldOut),
  auc: transferAuc(layout, train, heldOut, outcome.column, outcome.positive),
  independent: {
    tvd1: independentDistance(layout, 1, train, heldOut),
    tvd2: independentDistance(layout, 2, train, heldOut),
  },
})

/** Against the reference's held-out rows; every row of a cohort counts once: it stands for one row of one unit. */
export const qualityOf = (reference: Reference, cells: Uint16Array): CohortQuality => {
  const { layout, outcome, heldOut } = reference
  const tvd2 = marginalDistance(layout, 2, { cells }, heldOut)
  const auc = transferAuc(layout, { cells }, heldOut, outcome.column, outcome.positive)
  return {
    tvd1: marginalDistance(layout, 1, { cells }, heldOut),
    tvd1Real: reference.tvd1,
    tvd1Independent: reference.independent.tvd1,
    tvd2,
    tvd2Real: reference.tvd2,
    tvd2Independent: reference.independent.tvd2,
    tvd2Excess: tvd2 - reference.tvd2,
    auc,
    aucReal: reference.auc,
    aucDifference: auc - reference.auc,
  }
}
