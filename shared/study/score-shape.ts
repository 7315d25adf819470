import type { ScoreShape } from '../evaluation/scorer.ts'
import { levelKey } from '../schema/categorical.ts'
import { layoutOfColumns } from '../schema/column.ts'
import { layoutOf } from '../synthesizers/cells.ts'
import type { Manifest } from './study-schema.ts'

/** What a study's evaluation asks, by its own columns; null without one. The block must have passed `checkFacts`. */
export const scoreShapeOf = ({ columns, evaluation }: Pick<Manifest, 'columns' | 'evaluation'>): ScoreShape | null => {
  if (evaluation === undefined) return null
  const outcome = columns.findIndex(({ name }) => name === evaluation.outcome)
  const column = columns[outcome]
  const levels = column?.kind === 'categorical' ? column.levels.map((level) => levelKey(column, level)) : []
  const wanted = column?.kind === 'categorical' ? evaluation.positive.map((level) => levelKey(column, level)) : []
  return {
    layout: layoutOf(layoutOfColumns(columns).sizes),
    outcome,
    positive: new Set(wanted.map((level) => levels.indexOf(level))),
    bins: evaluation.bins,
  }
}
