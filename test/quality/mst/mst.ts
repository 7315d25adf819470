import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { type Layout, layoutOf } from '@tributary/shared/synthesizers/cells'
import { marginalOf } from '@tributary/shared/evaluation/marginal'
import type { WeightedRows } from '../pairwise-distance.ts'
import { fitTree, type Measured, totalOf } from './fit-tree.ts'
import { compressedCounts, type KeptLevels, keptLevels, projectedShares } from './kept-levels.ts'
import { privateSpanningTree } from './spanning-tree.ts'
import { type Marginals, type RootedTree, rooted } from './tree-model.ts'
import { mstBudget, rhoOf } from './zcdp.ts'

export interface BaselineBudget {
  readonly epsilon: number
  readonly delta: number
  /** Of noise, picks and rows: a benchmark is repeatable, and so is no protection. */
  readonly seed: number
}

/** Rows of codes in the layout asked about. */
export type DrawRows = (rows: number) => Uint16Array

/** Weighted counts of a table: a unit weighs at most 1 in all, so that a marginal moves by at most 1 in L2 and in L1. */
export const countsOf = (layout: Layout, columns: readonly number[], table: WeightedRows): Float64Array => {
  const total = table.weights?.reduce((sum, weight) => sum + weight, 0) ?? table.cells.length / layout.sizes.length
  const shares = marginalOf(layout, columns, table)
  const counts = new Float64Array(columns.reduce((product, j) => product * layout.sizes[j]!, 1))
  shares.forEach((share, index) => {
    counts[index] = share * total
  })
  return counts
}

/** Uniform numbers and Gaussian noise of a seed. */
export const seededNoise = (seed: number) => {
  const random = counterRandom(seed, 206)
  let draw = 0
  return {
    uniform: () => random.uniform(0, draw++),
    noisy: (counts: Float64Array, sigma: number) => counts.map((count) => count + sigma * random.normal(1, draw++)),
  }
}

/**
 * MST (McKenna, Miklau and Sheldon 2021, "Winning the NIST contest"): noisy 1-way marginals, a spanning tree by the exponential mechanism on
 * how far pairs are from independent, noisy 2-way marginals along it, the nearest tree distribution, rows drawn down the tree. The
 * published budget split and merging of levels below 3 sigma; neighbours add or remove one unit. Zero noise where epsilon is
 * Infinity. Cost: pairs x rows, then the fit.
 */
export const mst = (layout: Layout, table: WeightedRows, { epsilon, delta, seed }: BaselineBudget): DrawRows => {
  const columns = layout.sizes.length
  const rho = epsilon === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : rhoOf(epsilon, delta)
  const { oneWayNoise, twoWayNoise, pickEpsilon } = mstBudget(rho, columns)
  const random = seededNoise(seed)
  const singles = layout.sizes.map((_, j) => random.noisy(countsOf(layout, [j], table), oneWayNoise))
  const kept = singles.map((counts) => keptLevels(counts, oneWayNoise))
  // Noise of zero still needs a finite weight.
  const [oneWay, twoWay] = [oneWayNoise || 1, twoWayNoise || 1]
  const own = singles.map((counts, j) => compressedCounts(kept[j]!, counts, oneWay))
  const small = layoutOf(kept.map(({ size }) => size))
  const compressed: WeightedRows = { ...table, cells: compressedCells(kept, table.cells) }
  const total = totalOf({ own, withParent: [] })
  const shares = own.map(({ counts }) => projectedShares(counts, total))
  const edges = privateSpanningTree(
    columns,
    ([a, b]) => {
      const width = small.sizes[b]!
      const pair = countsOf(small, [a, b], compressed)
      return pair.reduce(
        (sum, count, i) => sum + Math.abs(count - total * shares[a]![Math.floor(i / width)]! * shares[b]![i % width]!),
        0,
      )
    },
    Math.min(pickEpsilon, 1e9),
    random.uniform,
  )
  const tree = rooted(columns, edges)
  const withParent = tree.parent.map((above, j): Measured | null => {
    if (above < 0) return null
    const counts = random.noisy(countsOf(small, [above, j], compressed), twoWayNoise)
    return { counts, precision: new Float64Array(counts.length).fill(1 / twoWay ** 2) }
  })
  return drawer(kept, tree, fitTree(tree, small.sizes, { own, withParent }), seed)
}

/** Every column for itself: all of the budget on the 1-way marginals. */
export const independentColumns = (
  layout: Layout,
  table: WeightedRows,
  { epsilon, delta, seed }: BaselineBudget,
): DrawRows => {
  const columns = layout.sizes.length
  const sigma = Math.sqrt(columns / (2 * rhoOf(epsilon, delta)))
  const random = seededNoise(seed)
  const singles = layout.sizes.map((_, j) => random.noisy(countsOf(layout, [j], table), sigma))
  const precision = singles.map((counts) => new Float64Array(counts.length).fill(1 / sigma ** 2))
  const total = totalOf({ own: singles.map((counts, j) => ({ counts, precision: precision[j]! })), withParent: [] })
  const own = singles.map((counts) => projectedShares(counts, total))
  const kept = layout.sizes.map((size) => ({
    codeOf: Uint16Array.from({ length: size }, (_, i) => i),
    size,
    merged: [],
  }))
  return drawer(kept, rooted(columns, []), { own, withParent: own.map(() => new Float64Array(0)) }, seed)
}

const compressedCells = (kept: readonly KeptLevels[], cells: Uint16Array): Uint16Array =>
  cells.map((code, at) => kept[at % kept.length]!.codeOf[code]!)

/** Draws down the tree; a merged code is one of its levels, each as likely. */
const drawer = (kept: readonly KeptLevels[], tree: RootedTree, marginals: Marginals, seed: number): DrawRows => {
  const columns = kept.length
  const levels = kept.map(({ codeOf, size }) => {
    const of: number[][] = Array.from({ length: size }, () => [])
    codeOf.forEach((code, level) => of[code]!.push(level))
    return of
  })
  return (rows) => {
    const random = counterRandom(seed, 207)
    const out = new Uint16Array(rows * columns)
    const codes = new Uint16Array(columns)
    for (let r = 0; r < rows; r++)
      for (const node of tree.order) {
        const above = tree.parent[node]!
        const { size } = kept[node]!
        const shares =
          above < 0
            ? marginals.own[node]!
            : marginals.withParent[node]!.subarray(codes[above]! * size, (codes[above]! + 1) * size)
        const code = pick(shares, random.uniform(r, 2 * node))
        codes[node] = code
        const own = levels[node]![code]!
        out[r * columns + node] = own[Math.floor(random.uniform(r, 2 * node + 1) * own.length)]!
      }
    return out
  }
}

const pick = (shares: Float64Array, uniform: number): number => {
  let left = uniform * shares.reduce((sum, share) => sum + share, 0)
  const at = shares.findIndex((share) => {
    left -= share
    return left < 0
  })
  return at < 0 ? shares.length - 1 : at
}
