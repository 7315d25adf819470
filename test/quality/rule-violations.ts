import { compiledRules } from '@tributary/shared/constraint/compiled-rules'
import { constraintsOf } from '@tributary/shared/constraint/check-constraints'
import { RowRules } from '@tributary/shared/constraint/row-rules'
import { columnsOf } from '@tributary/shared/schema/column'
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
  const compiled = compiledRules(constraints, columns)
  const rules = new RowRules(compiled)
  const { printed } = compiled
  // By column and code: its cells, one after the other.
  const cellsOf = printed.map(({ parent }) => {
    const of = new Map<number, number[]>()
    parent.forEach((code, cell) => of.set(code, [...(of.get(code) ?? []), cell]))
    return of
  })
  return (cells) => {
    const random = counterRandom(1, 209)
    let broken = 0
    for (let r = 0, at = 0; at < cells.length; r++, at += printed.length) {
      printed.forEach(({ share, ticks }, j) => {
        const own = cellsOf[j]!.get(cells[at + j]!)!
        let left = random.uniform(r, 2 * j) * own.reduce((sum, cell) => sum + share[cell]!, 0)
        const cell = own.find((each) => (left -= share[each]!) < 0) ?? own.at(-1)!
        rules.row[j] = cell
        if (ticks === null) return
        const [from, to] = [ticks.from[cell]!, ticks.to[cell]!]
        rules.ticks[j] = Math.min(to, from + Math.floor(random.uniform(r, 2 * j + 1) * (to - from + 1)))
      })
      if (rules.broken() >= 0) broken++
    }
    return broken
  }
}
