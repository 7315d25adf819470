import { conditionComplaint, type Term } from '../condition/condition-grammar.ts'
import { type Compared, columnNamed, type Reading, resolvedTree } from '../condition/parse-condition.ts'
import { writtenRule } from '../condition/written-rule.ts'
import type { Column } from '../schema/column.ts'
import { unlike } from './comparison-sides.ts'
import type { ColumnComparison, Constraint, Rule } from './constraint.ts'

/**
 * `discharged >= admitted`, `low <= value <= high`, `IF sex = male THEN pregnant = no`, `NEVER (age < 18 AND smoker = yes)`, or
 * any condition of the language of cohorts. A word after a comparison is a level where its column has it, else a column; where
 * it could be both it is refused. Throws `CONDITION_INVALID` (a `ConditionRefused`) naming the character, from 1.
 */
export const parseConstraint = (text: string, columns: readonly Column[]): Constraint => ({
  text,
  rule: resolvedTree(writtenRule(text), columns, reading(columns)),
})

const reading = (columns: readonly Column[]): Reading<ColumnComparison> => {
  const isColumn = ({ text, isNumber }: Term) => !isNumber && columns.some(({ name }) => name === text)
  const comparesColumns = (left: Term, right: Term): boolean => isColumn(left) && isColumn(right)

  const compared = ({ left, comparator, right, second }: Compared): Rule | null => {
    if (second !== undefined) {
      if (!comparesColumns(left, right) && !comparesColumns(right, second.right)) return null
      const first: Compared = { kind: 'compare', left, comparator, right }
      const next: Compared = { kind: 'compare', left: right, comparator: second.comparator, right: second.right }
      return { all: [first, next].map((part) => resolvedTree(part, columns, itself)) }
    }
    if (!comparesColumns(left, right)) return null
    const [one, other] = [columnNamed(left, columns), columnNamed(right, columns)]
    if (one === other) throw conditionComplaint(right.at, `${one.name} is compared with itself`)
    const complaint = unlike(one, other, comparator)
    if (one.kind === 'categorical' && one.levels.includes(right.text)) {
      if (complaint !== null) return null
      throw conditionComplaint(
        right.at,
        `${right.text} is a level of ${one.name} and a column: for the level write ${one.name} IN (${right.text})`,
      )
    }
    if (complaint !== null) throw conditionComplaint(left.at, complaint)
    return { column: one.name, comparator, other: other.name }
  }
  const itself: Reading<ColumnComparison> = { compared, unequal: 'denied' }
  return itself
}
