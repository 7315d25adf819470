import { constraintsOf } from '@tributary/shared/constraint/check-constraints'
import { numberReader, rowTest } from '@tributary/shared/constraint/row-test'
import { columnsOf } from '@tributary/shared/schema/column'
import { printedColumn, printedValue } from '@tributary/shared/schema/printed-column'
import type { StudyDraft } from '@tributary/shared/study/manifest'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'

/** A row's printed values. */
type RowValues = (column: number) => string | number | null

/** The study's constraints over values as released files print them. */
export interface RuleViolations {
  isBroken(valueAt: RowValues): boolean
  /** Rows of a table that break one. Codes alone are given: a value is placed in its bin as printing does, the same way each time. */
  inCodes(cells: Uint16Array): number
}

/** Null for a study without constraints. Cost: leaves of the constraints a row. */
export const ruleViolations = (
  study: Pick<StudyDraft, 'columns' | 'source' | 'constraints'>,
): RuleViolations | null => {
  const constraints = constraintsOf(study)
  if (constraints.length === 0) return null
  const columns = columnsOf(study)
  const test = rowTest(constraints, columns)
  const readers = columns.map(numberReader)
  const printed = columns.map((column) => printedColumn(column))
  const row = new Float64Array(columns.length)
  const isBroken = (valueAt: RowValues) => {
    readers.forEach((read, j) => (row[j] = read(valueAt(j))))
    return test(row) >= 0
  }
  return {
    isBroken,
    inCodes: (cells) => {
      const random = counterRandom(1, 209)
      let broken = 0
      for (let r = 0, at = 0; at < cells.length; r++, at += columns.length)
        if (isBroken((j) => printedValue(printed[j]!, cells[at + j]!, () => random.uniform(r, j)))) broken++
      return broken
    },
  }
}
