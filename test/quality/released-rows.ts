import type { Generator } from '@tributary/shared/generator/generator'
import type { Manifest } from '@tributary/shared/study/manifest'
import { openCohort } from '../../coordinator/cohort/cohort.ts'
import type { RuleViolations } from './rule-violations.ts'

/** A cohort as the coordinator releases it: the study's codes, row-major, and how many of its printed rows break a constraint. */
export interface ReleasedRows {
  readonly cells: Uint16Array
  readonly broken: number | null
}

export const releasedRows = async (
  manifest: Manifest,
  model: Generator,
  order: { readonly rows: number; readonly seed: number },
  rules: RuleViolations | null,
): Promise<ReleasedRows> => {
  const cells = new Uint16Array(order.rows * manifest.columns.length)
  let [at, broken] = [0, 0]
  for await (const batch of openCohort(manifest, model, order).batches()) {
    cells.set(batch.codes, at)
    at += batch.codes.length
    if (rules !== null)
      for (let r = 0; r < batch.rows; r++) if (rules.isBroken((column) => batch.value(r, column))) broken++
  }
  return { cells, broken: rules === null ? null : broken }
}
