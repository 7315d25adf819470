import type { WeightedRows } from '@tributary/shared/evaluation/logistic-model'
import { cramersV, type Marginal, marginalOf, totalVariation } from '@tributary/shared/evaluation/marginal'
import type { Layout } from '@tributary/shared/synthesizers/cells'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'

/**
 * A distance beside what chance alone makes of it: `expected` is its mean, `most` the largest, over 19 samples of the cohort's own rows, as
 * many as there are units here. Larger than `most`: 1 in 20 for a hospital that is like the cohort (Barnard 1963).
 */
export interface Compared {
  readonly distance: number
  readonly expected: number
  readonly most: number
}

export interface ColumnCompared extends Compared {
  readonly column: number
}

export interface PairCompared extends Compared {
  readonly columns: readonly [number, number]
  /** Cramer's V, here and in the cohort. */
  readonly here: number
  readonly pooled: number
}

export interface SiteQuality {
  readonly columns: readonly ColumnCompared[]
  /** Those farthest from the cohort beyond what chance makes, worst first. */
  readonly pairs: readonly PairCompared[]
  /** Means over all columns and over all pairs. */
  readonly tvd1: Compared
  readonly tvd2: Compared
}

/** So that being the largest of all 20, this hospital's among them, has a chance of 1 in 20. */
const samples = 19
const worstPairs = 10

/**
 * How far this hospital's rows are from a pooled cohort, by column and by pair: total variation distances, and what they would be for a
 * sample of the cohort itself. Repeatable. `units`: how many patients or rows `here` stands for. Cost: 20 x pairs x units.
 */
export const siteQuality = (layout: Layout, here: WeightedRows, units: number, cohort: WeightedRows): SiteQuality => {
  const drawn = Array.from({ length: samples }, (_, i) => sampleOf(layout, cohort, units, i))
  const compare = (columns: readonly number[], own: Marginal, pooled: Marginal): Compared => {
    const distances = drawn.map((sample) => totalVariation(marginalOf(layout, columns, sample), pooled))
    return { distance: totalVariation(own, pooled), ...chance(distances) }
  }
  const columns = layout.sizes.map((_, column) => ({
    column,
    ...compare([column], marginalOf(layout, [column], here), marginalOf(layout, [column], cohort)),
  }))
  const pairs: PairCompared[] = []
  for (let a = 0; a < layout.sizes.length; a++)
    for (let b = a + 1; b < layout.sizes.length; b++) {
      const [own, pooled] = [marginalOf(layout, [a, b], here), marginalOf(layout, [a, b], cohort)]
      pairs.push({
        columns: [a, b],
        ...compare([a, b], own, pooled),
        here: cramersV(layout, [a, b], own),
        pooled: cramersV(layout, [a, b], pooled),
      })
    }
  const worst = [...pairs].sort((a, b) => b.distance - b.expected - (a.distance - a.expected))
  return { columns, pairs: worst.slice(0, worstPairs), tvd1: meanOf(columns), tvd2: meanOf(pairs) }
}

const chance = (distances: readonly number[]) => ({
  expected: distances.reduce((sum, distance) => sum + distance, 0) / distances.length,
  most: Math.max(...distances),
})

const meanOf = (all: readonly Compared[]): Compared => {
  const mean = (of: (each: Compared) => number) =>
    all.length === 0 ? 0 : all.reduce((sum, each) => sum + of(each), 0) / all.length
  return {
    distance: mean((each) => each.distance),
    expected: mean((each) => each.expected),
    most: mean((each) => each.most),
  }
}

/** `rows` rows of the cohort with replacement; every row of a cohort counts once. */
const sampleOf = (layout: Layout, { cells }: WeightedRows, rows: number, seed: number): WeightedRows => {
  const columns = layout.sizes.length
  const of = cells.length / columns
  const random = counterRandom(seed, 208)
  const out = new Uint16Array(rows * columns)
  for (let i = 0; i < rows; i++) {
    const row = Math.min(Math.floor(random.uniform(i, 0) * of), of - 1)
    out.set(cells.subarray(row * columns, (row + 1) * columns), i * columns)
  }
  return { cells: out }
}
