import { constraintsOf } from '@tributary/shared/constraint/check-constraints'
import { type BatchValues, rowValues } from '@tributary/shared/constraint/row-values'
import { type Column, columnsOf } from '@tributary/shared/schema/column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import type { Generator } from '@tributary/shared/generator/generator'
import { sampleCells } from '@tributary/shared/generator/sample'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import type { Condition } from '@tributary/shared/condition/condition'
import { CodedError } from '@tributary/shared/errors'
import { blockOf, blockQuotas } from './block-rows.ts'
import { type BoundOrder, boundOrder } from './bound-order.ts'
import { quotasOf } from './fitted-shares.ts'
import type { CohortOrder } from './order.ts'
import type { PrintedColumn } from '@tributary/shared/schema/printed-column'

export { promisedPatients } from './cohort-floor.ts'

/** Some rows of a cohort, in order. `row` counts from 0 inside the batch, `column` in the study's order. */
export interface CohortBatch {
  readonly rows: number
  /** rows x columns, row-major: the study's codes. */
  readonly codes: Uint16Array
  /** The cell as a file prints it; missing is the source's own text for it, '' when it has none. */
  text(row: number, column: number): string
  /** A level's text, a number, or null for missing. */
  value(row: number, column: number): string | number | null
}

export interface Cohort {
  readonly columns: readonly Column[]
  readonly order: CohortOrder
  readonly condition: Condition | null
  /** From the first row, as often as asked: the same bytes every time. At most 32,768 rows a batch. */
  batches(): AsyncIterable<CohortBatch>
}

/** Which stream of the seed places numbers inside their bins; the sampler uses others. */
const withinBins = 3

/**
 * A cohort, drawn batch by batch: post-processing of the released model, no privacy cost, no look at patients. Equal orders
 * of one model give equal bytes, and a condition that every row meets gives the bytes of none. Flat memory, O(rows x columns) time.
 * Throws `CONDITION_INVALID`; `SUPPORT_TOO_SMALL` when hardly any synthetic patient meets the condition; `COHORT_TOO_SMALL` below
 * the study's floor; `SHARES_IMPOSSIBLE`; `CONSTRAINT_BROKEN` rather than release a row that breaks a constraint of the study.
 */
export const openCohort = (manifest: Manifest, model: Generator, order: CohortOrder): Cohort => {
  const columns = columnsOf(manifest)
  const bound = boundOrder(manifest, model, order)
  const { whatIf } = bound
  const drawn = rowsOf(bound, order)
  const printed = whatIf?.printed ?? bound.printed
  const values = rowValues(constraintsOf(manifest), printed)
  const random = counterRandom(order.seed, withinBins)
  return {
    columns,
    order,
    condition: bound.where?.condition ?? null,
    async *batches() {
      let first = 0
      for await (const cells of drawn()) {
        const set = whatIf?.apply(cells, first, order.seed) ?? cells
        const batch = new DrawnBatch(printed, set, values.draw(set, random, first))
        yield batch
        first += batch.rows
      }
    },
  }
}

/** Rows before any column is set, batch by batch. Throws `SHARES_IMPOSSIBLE` where so few rows cannot hold the shares. */
const rowsOf = (
  { model, selection, strata, printed }: BoundOrder,
  { rows, seed }: CohortOrder,
): (() => AsyncIterable<Uint16Array>) => {
  if (strata === null) return () => selection?.conditioned.sample(rows, seed) ?? sampleCells(model, rows, seed)
  const blocks = blockQuotas(stratumRows(strata, rows))
  const sources = strata.strata.map(({ conditioned }) => conditioned)
  return async function* () {
    for (const [block, counts] of blocks.entries()) yield await blockOf(sources, counts, printed.length, seed, block)
  }
}

/** Rows of each stratum. Throws `SHARES_IMPOSSIBLE`. */
export const stratumRows = ({ strata, margins }: NonNullable<BoundOrder['strata']>, rows: number): number[] => {
  const quotas = quotasOf(
    strata.map(({ share }) => share),
    rows,
    margins,
  )
  if (quotas !== null) return quotas
  throw new CodedError('SHARES_IMPOSSIBLE', `${rows} rows cannot have all these shares, to the row: ask for others`, {
    place: { field: 'rows' },
  })
}

class DrawnBatch implements CohortBatch {
  readonly rows: number
  readonly codes: Uint16Array
  readonly value: BatchValues
  readonly #printed: readonly PrintedColumn[]

  constructor(printed: readonly PrintedColumn[], cells: Uint16Array, value: BatchValues) {
    const columns = printed.length
    this.rows = cells.length / columns
    this.codes = cells.map((cell, i) => printed[i % columns]!.parent[cell]!)
    this.value = value
    this.#printed = printed
  }

  text(row: number, column: number): string {
    const value = this.value(row, column)
    return value === null ? (this.#printed[column]!.column.missingTexts[0] ?? '') : String(value)
  }
}

/** Rows of a cohort nobody sized: what the sites promised, never what they hold (R19). */
export const promisedRows = ({ sites }: Manifest): number => sites.reduce((sum, site) => sum + site.promised_rows, 0)
