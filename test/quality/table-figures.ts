import { columnSets } from './column-sets.ts'
import { discriminatorAuc } from './discriminator.ts'
import { cramersV, marginalOf, totalVariation } from '@tributary/shared/evaluation/marginal'
import type { MeasuredStudy } from './measured-study.ts'
import { marginalDistance, type WeightedRows } from './pairwise-distance.ts'
import { rareLevels } from './rare-levels.ts'
import { type GroupFigures, subgroupsOf } from './subgroups.ts'
import { transferOf } from './transfer.ts'

/** A table to measure; `broken`: of its rows, how many break a constraint of the study, null without constraints. */
export interface MadeRows extends WeightedRows {
  readonly broken?: number | null
}

/** Figures of one table against held-out rows, by name; and its groups'. */
export interface TableFigures {
  readonly figures: Readonly<Record<string, number>>
  readonly groups: readonly GroupFigures[]
}

/**
 * All figures of table `made` against `heldOut`, rows of patients that it never saw. `train`: the real rows behind it, for what is
 * rare. tvd1, tvd2, tvd3: mean total variation distance of all 1-way, all 2-way and 200 3-way marginals; tvd1_worst: of the worst
 * column; correlation: mean difference of Cramer's V over pairs. Cost: seconds per 50,000 rows.
 */
export const figuresOf = (
  study: MeasuredStudy,
  made: MadeRows,
  train: WeightedRows,
  heldOut: WeightedRows,
  seed: number,
): TableFigures => {
  const { layout, ordered, targets } = study
  const columns = layout.sizes.length
  let [tvd2, correlation] = [0, 0]
  const pairs = columnSets(columns, 2)
  for (const [a, b] of pairs as [number, number][]) {
    const [own, real] = [marginalOf(layout, [a, b], made), marginalOf(layout, [a, b], heldOut)]
    tvd2 += totalVariation(own, real) / pairs.length
    correlation += Math.abs(cramersV(layout, [a, b], own) - cramersV(layout, [a, b], real)) / pairs.length
  }
  const single = layout.sizes.map((_, j) =>
    totalVariation(marginalOf(layout, [j], made), marginalOf(layout, [j], heldOut)),
  )
  const figures: Record<string, number> = {
    tvd1: single.reduce((sum, distance) => sum + distance, 0) / columns,
    tvd1_worst: Math.max(...single),
    tvd2,
    tvd3: marginalDistance(layout, 3, made, heldOut),
    correlation,
  }
  let score: Float64Array | null = null
  targets.forEach(({ name }, place) => {
    const transfer = transferOf(study, place, made, heldOut, seed)
    figures[`auc_trees ${name}`] = transfer.aucTrees
    figures[`auc_logistic ${name}`] = transfer.aucLogistic
    figures[`calibration_error ${name}`] = transfer.calibration.error
    figures[`calibration_slope ${name}`] = transfer.calibration.slope
    if (place === 0) score = transfer.score
  })
  figures.discriminator = discriminatorAuc(layout, ordered, made, heldOut, seed)
  const rare = rareLevels(layout, made, train)
  figures.rare_covered = rare.covered
  figures.rare_lost = rare.lost
  if (made.broken !== undefined && made.broken !== null)
    figures.violations = made.broken / (made.cells.length / columns)
  return { figures, groups: subgroupsOf(study, made, heldOut, score) }
}
