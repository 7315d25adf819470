import { ConditionRefused } from '../condition/condition-grammar.ts'
import { type Column, columnsOf } from '../schema/column.ts'
import { type Finding, invalid } from '../study/finding.ts'
import type { StudyDraft } from '../study/study-schema.ts'
import type { Constraint } from './constraint.ts'
import { parseConstraint } from './parse-constraint.ts'
import { isSatisfiable } from './satisfiable.ts'

/** A study's constraints. Throws `CONDITION_INVALID` for one that `checkConstraints` finds fault with. */
export const constraintsOf = (study: Pick<StudyDraft, 'columns' | 'source' | 'constraints'>): readonly Constraint[] => {
  const columns = columnsOf(study)
  return (study.constraints ?? []).map((text) => parseConstraint(text, columns))
}

/**
 * What is wrong with a study's constraints, each at its own line: what cannot be read, by character; a rule that no row can keep;
 * rules that no row can keep together, at the last of them. The columns must have been checked.
 */
export const checkConstraints = (draft: Pick<StudyDraft, 'columns' | 'source' | 'constraints'>): Finding[] => {
  const columns = columnsOf(draft)
  const found: Finding[] = []
  const constraints: Constraint[] = []
  draft.constraints?.forEach((text, i) => {
    try {
      constraints.push(parseConstraint(text, columns))
    } catch (error) {
      if (!(error instanceof ConditionRefused)) throw error
      found.push(invalid(['constraints', i], `${placeIn(text, error.at)}: ${error.complaint}`))
    }
  })
  return found.length > 0 ? found : contradictions(constraints, columns)
}

/** Lines count within the constraint: YAML may fold it over several. */
const placeIn = (text: string, at: number): string => {
  const lines = text.slice(0, at - 1).split('\n')
  const character = `character ${(lines.at(-1)?.length ?? 0) + 1}`
  return lines.length === 1 ? character : `line ${lines.length}, ${character}`
}

const contradictions = (constraints: readonly Constraint[], columns: readonly Column[]): Finding[] => {
  if (isSatisfiable(constraints, columns)) return []
  const last = constraints.findIndex((_, i) => !isSatisfiable(constraints.slice(0, i + 1), columns))
  // Without any of these the last one could be kept.
  let others = constraints.slice(0, last).map((_, i) => i)
  for (const i of others) {
    const fewer = others.filter((other) => other !== i)
    if (
      !isSatisfiable(
        [...fewer, last].map((at) => constraints[at]!),
        columns,
      )
    )
      others = fewer
  }
  const named = others.map((i) => `constraints[${i}]`).join(', ')
  return [
    invalid(['constraints', last], named === '' ? 'no row can keep it' : `no row can keep it together with ${named}`),
  ]
}
