import { marginalOf } from '@tributary/shared/evaluation/marginal'
import type { Layout } from '@tributary/shared/synthesizers/cells'
import type { WeightedRows } from './pairwise-distance.ts'

/** Levels under this share of the real rows are rare. */
const rareShare = 0.01

export interface RareLevels {
  /** Levels that occur in the real rows with a share below 1 %. */
  readonly levels: number
  /** Part of them that the table has at between half and twice their share; 1 where there is none. */
  readonly covered: number
  /** Part of them that the table does not have at all. */
  readonly lost: number
}

export const rareLevels = (layout: Layout, table: WeightedRows, real: WeightedRows): RareLevels => {
  let [levels, covered, lost] = [0, 0, 0]
  layout.sizes.forEach((_, column) => {
    const own = marginalOf(layout, [column], table) as Float64Array
    const wanted = marginalOf(layout, [column], real) as Float64Array
    wanted.forEach((share, code) => {
      if (share === 0 || share >= rareShare) return
      levels++
      if (own[code] === 0) lost++
      if (own[code]! >= share / 2 && own[code]! <= 2 * share) covered++
    })
  })
  return levels === 0 ? { levels, covered: 1, lost: 0 } : { levels, covered: covered / levels, lost: lost / levels }
}
