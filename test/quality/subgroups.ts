import { areaUnderCurve } from '@tributary/shared/evaluation/area-under-curve'
import { pickRows } from './discriminator.ts'
import type { MeasuredStudy } from './measured-study.ts'
import { marginalDistance, type WeightedRows } from './pairwise-distance.ts'

/** One level of one column: how far the table's rows of it are from the held-out rows of it. */
export interface GroupFigures {
  /** `gender = Female`. */
  readonly name: string
  /** Held-out rows. */
  readonly heldOut: number
  readonly rows: number
  /** Mean of the 2-way marginals inside the group; null where the table has no row of it. */
  readonly tvd2: number | null
  /** Of the classifier of the outcome, fitted to the whole table; null without a target, or a group of one class. */
  readonly auc: number | null
}

/** Smaller groups are all sampling error. */
const leastHeldOut = 100

/** `score`: of each held-out row, by the classifier of the study's first target. Cost: groups x 2-way distances of their rows. */
export const subgroupsOf = (
  study: MeasuredStudy,
  made: WeightedRows,
  heldOut: WeightedRows,
  score: Float64Array | null,
): GroupFigures[] => {
  const { layout, groups, targets } = study
  const columns = layout.sizes.length
  return groups.flatMap((column) =>
    Array.from({ length: layout.sizes[column]! }, (_, code) => code).flatMap((code): GroupFigures[] => {
      const rowsOf = ({ cells }: WeightedRows) =>
        Uint32Array.from({ length: cells.length / columns }, (_, r) => r).filter(
          (r) => cells[r * columns + column] === code,
        )
      const real = rowsOf(heldOut)
      if (real.length < leastHeldOut) return []
      const own = rowsOf(made)
      const inside = pickRows(columns, heldOut, real)
      const [target] = targets
      let auc: number | null = null
      if (target !== undefined && score !== null) {
        const isPositive = (i: number) => target.positive.has(inside.cells[i * columns + target.column]!)
        const positives = real.reduce((count, _, i) => count + (isPositive(i) ? 1 : 0), 0)
        if (positives > 0 && positives < real.length)
          auc = areaUnderCurve(
            Float64Array.from(real, (r) => score[r]!),
            isPositive,
            inside.weights,
          )
      }
      return [
        {
          name: `${study.names[column]} = ${study.levelNames(column, code)}`,
          heldOut: real.length,
          rows: own.length,
          tvd2: own.length === 0 ? null : marginalDistance(layout, 2, pickRows(columns, made, own), inside),
          auc,
        },
      ]
    }),
  )
}
