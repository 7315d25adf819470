import { areaUnderCurve } from '@tributary/shared/evaluation/area-under-curve'
import type { Layout } from '@tributary/shared/synthesizers/cells'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { fitBoosted } from './boosted/boosted-trees.ts'
import type { WeightedRows } from './pairwise-distance.ts'

const mostRows = 20_000
const folds = 5

/** 0 .. length - 1 in a random order, repeatable. */
export const shuffled = (length: number, seed: number): Uint32Array => {
  const random = counterRandom(seed, 205)
  const keys = Float64Array.from({ length }, (_, i) => random.uniform(i, 0))
  return Uint32Array.from({ length }, (_, i) => i).sort((a, b) => keys[a]! - keys[b]!)
}

/** Rows `picked` of a table, with their weights. */
export const pickRows = (
  columns: number,
  { cells, weights }: WeightedRows,
  picked: ArrayLike<number>,
): WeightedRows => {
  const out = new Uint16Array(picked.length * columns)
  for (let i = 0; i < picked.length; i++)
    out.set(cells.subarray(picked[i]! * columns, (picked[i]! + 1) * columns), i * columns)
  return weights === undefined ? { cells: out } : { cells: out, weights: Float64Array.from(picked, (r) => weights[r]!) }
}

/**
 * AUC of boosted trees (100) that tell rows of one table from rows of the other, over 5 folds: 0.5 where nothing tells them apart. At
 * most 20,000 rows of each, as many of one as of the other; both tables weigh the same. Cost: 5 fits.
 */
export const discriminatorAuc = (
  layout: Layout,
  ordered: readonly boolean[],
  made: WeightedRows,
  real: WeightedRows,
  seed = 0,
): number => {
  const columns = layout.sizes.length
  const wanted = Math.min(made.cells.length / columns, real.cells.length / columns, mostRows)
  const [first, second] = [made, real].map((table, side) => {
    const picked = shuffled(table.cells.length / columns, 2 * seed + side).subarray(0, wanted)
    return pickRows(columns, table, picked)
  }) as [WeightedRows, WeightedRows]
  const cells = new Uint16Array(first.cells.length + second.cells.length)
  cells.set(first.cells)
  cells.set(second.cells, first.cells.length)
  const weights = new Float64Array(2 * wanted)
  ;[first, second].forEach(({ weights: own }, side) => {
    const total = own?.reduce((sum, weight) => sum + weight, 0) ?? wanted
    for (let r = 0; r < wanted; r++) weights[side * wanted + r] = ((own?.[r] ?? 1) * wanted) / total
  })
  const labels = Uint8Array.from({ length: 2 * wanted }, (_, r) => (r < wanted ? 1 : 0))
  const score = new Float64Array(2 * wanted)
  const order = shuffled(2 * wanted, seed)
  const all = { cells, weights }
  for (let fold = 0; fold < folds; fold++) {
    const inFold = order.filter((_, i) => i % folds === fold)
    const rest = order.filter((_, i) => i % folds !== fold)
    const fit = fitBoosted(
      layout,
      ordered,
      new Set(),
      pickRows(columns, all, rest),
      Uint8Array.from(rest, (r) => labels[r]!),
      { trees: 100, learningRate: 0.1 },
      seed,
    )
    const own = fit(pickRows(columns, all, inFold).cells)
    inFold.forEach((row, i) => {
      score[row] = own[i]!
    })
  }
  return areaUnderCurve(score, (r) => labels[r] === 1, weights)
}
