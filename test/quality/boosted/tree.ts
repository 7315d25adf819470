import type { BinnedTable, Feature } from './binned-table.ts'
import { bestSplit, type Split, type Sums } from './split.ts'

const mostLeaves = 31

interface Leaf extends Sums {
  readonly node: number
  readonly start: number
  readonly end: number
  readonly histogram: Float64Array
  readonly split: Split | null
}

/** Nodes in order of their making; a leaf has no split. */
interface TreeNode {
  split: Split | null
  left: number
  right: number
  value: number
}

export interface Tree {
  readonly nodes: readonly TreeNode[]
}

/**
 * A regression tree of at most 31 leaves of at least 20 rows, grown best gain first, with one Newton step in each leaf (Friedman
 * 2001; histograms as in Ke et al. 2017). `order`: the rows to fit, reordered here; what each leaf adds is added to `score`. Cost:
 * rows x features x about log2(leaves) / 2.
 */
export const growTree = (
  features: readonly Feature[],
  starts: Int32Array,
  table: BinnedTable,
  order: Uint32Array,
  derivatives: { readonly gradient: Float64Array; readonly hessian: Float64Array },
  learningRate: number,
  score: Float64Array,
): Tree => {
  const cells = starts[features.length]!
  const nodes: TreeNode[] = [{ split: null, left: -1, right: -1, value: 0 }]
  const histogramOf = (start: number, end: number): Float64Array => {
    const histogram = new Float64Array(3 * cells)
    features.forEach((_, f) => {
      const bins = table.bins[f]!
      const first = starts[f]!
      for (let i = start; i < end; i++) {
        const row = order[i]!
        const at = 3 * (first + bins[row]!)
        histogram[at] = histogram[at]! + derivatives.gradient[row]!
        histogram[at + 1] = histogram[at + 1]! + derivatives.hessian[row]!
        histogram[at + 2] = histogram[at + 2]! + 1
      }
    })
    return histogram
  }
  const leafOf = (node: number, start: number, end: number, histogram: Float64Array): Leaf => {
    let [gradient, hessian] = [0, 0]
    for (let bin = starts[0]!; bin < starts[1]!; bin++) {
      gradient += histogram[3 * bin]!
      hessian += histogram[3 * bin + 1]!
    }
    const sums = { gradient, hessian, rows: end - start }
    return { node, start, end, histogram, ...sums, split: bestSplit(features, starts, histogram, sums) }
  }
  const scratch = new Uint32Array(order.length)
  const leaves: Leaf[] = [leafOf(0, 0, order.length, histogramOf(0, order.length))]
  while (leaves.length < mostLeaves) {
    const at = leaves.reduce(
      (best, leaf, i) => ((leaf.split?.gain ?? 0) > (leaves[best]?.split?.gain ?? 0) ? i : best),
      0,
    )
    const { split, node, start, end, histogram } = leaves[at]!
    if (split === null) break
    const bins = table.bins[split.feature]!
    let middle = start
    let others = 0
    for (let i = start; i < end; i++) {
      const row = order[i]!
      if (split.left[bins[row]!] === 1) order[middle++] = row
      else scratch[others++] = row
    }
    order.set(scratch.subarray(0, others), middle)
    nodes[node]!.split = split
    nodes[node]!.left = nodes.length
    nodes[node]!.right = nodes.length + 1
    nodes.push({ split: null, left: -1, right: -1, value: 0 }, { split: null, left: -1, right: -1, value: 0 })
    const leftIsSmaller = middle - start < end - middle
    const smaller = leftIsSmaller ? histogramOf(start, middle) : histogramOf(middle, end)
    const larger = histogram.map((value, i) => value - smaller[i]!)
    const [left, right] = leftIsSmaller ? [smaller, larger] : [larger, smaller]
    leaves.splice(at, 1)
    leaves.push(leafOf(nodes.length - 2, start, middle, left), leafOf(nodes.length - 1, middle, end, right))
  }
  for (const { node, start, end, gradient, hessian } of leaves) {
    const value = (-learningRate * gradient) / (hessian + 1e-12)
    nodes[node]!.value = value
    for (let i = start; i < end; i++) score[order[i]!] = score[order[i]!]! + value
  }
  return { nodes }
}

/** Adds the tree's value to the score of each of `rows`. */
export const addTree = ({ nodes }: Tree, table: BinnedTable, rows: Uint32Array, score: Float64Array): void => {
  for (const row of rows) {
    let node = nodes[0]!
    while (node.split !== null)
      node = nodes[node.split.left[table.bins[node.split.feature]![row]!] === 1 ? node.left : node.right]!
    score[row] = score[row]! + node.value
  }
}
