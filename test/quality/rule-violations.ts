import { constraintsOf } from '@tributary/shared/constraint/check-constraints'
import { rowTest } from '@tributary/shared/constraint/row-test'
import { columnsOf } from '@tributary/shared/schema/column'
import { printedColumn } from '@tributary/shared/schema/printed-column'
import { tickAt } from '@tributary/shared/schema/numeric'
import type { StudyDraft } from '@tributary/shared/study/manifest'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import type { Violations } from './measured-study.ts'

/**
 * How many rows of a table break one of the study's constraints; null where it has none. Codes alone are given: a value is placed in its
 * bin as printing would, evenly, the same way each time. Cost: rows x columns x rules.
 */
export const ruleViolations = (study: Pick<StudyDraft, 'columns' | 'source' | 'constraints'>): Violations | null => {
  const constraints = constraintsOf(study)
  if (constraints.length === 0) return null
  const columns = columnsOf(study)
  const test = rowTest(constraints, columns)
  const printed = columns.map((column) => printedColumn(column))
  return (cells) => {
    const random = counterRandom(1, 209)
    const row = new Float64Array(columns.length)
    let broken = 0
    for (let r = 0, at = 0; at < cells.length; r++, at += columns.length) {
      printed.forEach(({ ticks, missingCode }, j) => {
        const code = cells[at + j]!
        if (code === missingCode) row[j] = Number.NaN
        else if (ticks === null) row[j] = code
        else row[j] = tickAt(ticks.from[code]!, ticks.to[code]!, random.uniform(r, j)) / ticks.scale
      })
      if (test(row) >= 0) broken++
    }
    return broken
  }
}
