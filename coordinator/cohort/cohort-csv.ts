import { csvField as field } from '@tributary/shared/csv-field'
import { markColumn } from '@tributary/shared/synthetic-mark'
import type { Cohort } from './cohort.ts'

/**
 * A cohort as CSV in pieces: a header, then one line a row in the study's columns, levels and units, and `mark` in the last
 * column, by which a hospital's agent knows that these are no patients. Flat memory.
 */
export async function* cohortCsv(cohort: Cohort, mark: string): AsyncIterable<string> {
  const { columns } = cohort
  yield `${columns.map(({ name }) => field(name)).join(',')},${markColumn}\n`
  for await (const batch of cohort.batches()) {
    const lines = Array.from({ length: batch.rows }, (_, row) =>
      columns.map((_, column) => field(batch.text(row, column))).join(','),
    )
    yield `${lines.map((line) => `${line},${field(mark)}\n`).join('')}`
  }
}
