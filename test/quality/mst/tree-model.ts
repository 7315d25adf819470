import type { Edge } from './spanning-tree.ts'

/** A tree over columns: `order[i]` hangs on `parent[order[i]]`, which comes before it; the root's parent is -1. */
export interface RootedTree {
  readonly order: readonly number[]
  readonly parent: readonly number[]
}

/** Log-potentials: of each column's codes, and of each column with its parent's codes (parent's first, row-major). */
export interface Potentials {
  readonly own: readonly Float64Array[]
  readonly withParent: readonly Float64Array[]
}

/** In the same places: shares that add up to 1. The root has none with a parent. */
export type Marginals = Potentials

/** Hangs every part of the forest on its first column. */
export const rooted = (columns: number, edges: readonly Edge[]): RootedTree => {
  const parent = new Array<number>(columns).fill(-1)
  const order: number[] = []
  const seen = new Set<number>()
  for (let root = 0; root < columns; root++) {
    if (seen.has(root)) continue
    const waiting = [root]
    seen.add(root)
    for (let node = waiting.shift(); node !== undefined; node = waiting.shift()) {
      order.push(node)
      for (const [a, b] of edges) {
        const other = a === node ? b : b === node ? a : -1
        if (other < 0 || seen.has(other)) continue
        seen.add(other)
        parent[other] = node
        waiting.push(other)
      }
    }
  }
  return { order, parent }
}

/** log sum exp of `values`. */
const logSum = (values: Float64Array): number => {
  let top = Number.NEGATIVE_INFINITY
  for (const value of values) top = Math.max(top, value)
  if (top === Number.NEGATIVE_INFINITY) return top
  let sum = 0
  for (const value of values) sum += Math.exp(value - top)
  return top + Math.log(sum)
}

/**
 * Exact marginals of every column and of every column with its parent: belief propagation, leaves to root and back (Pearl 1982).
 * Cost: the cells of the edges.
 */
export const marginalsOf = ({ order, parent }: RootedTree, { own, withParent }: Potentials): Marginals => {
  // belief: own potential and what the children say; up: what a child says of its parent's codes.
  const belief = own.map((potential) => Float64Array.from(potential))
  const up: Float64Array[] = own.map(() => new Float64Array(0))
  for (const node of [...order].reverse()) {
    const above = parent[node]!
    if (above < 0) continue
    const size = own[node]!.length
    const line = new Float64Array(size)
    up[node] = Float64Array.from({ length: own[above]!.length }, (_, p) => {
      for (let c = 0; c < size; c++) line[c] = withParent[node]![p * size + c]! + belief[node]![c]!
      return logSum(line)
    })
    up[node].forEach((message, p) => {
      belief[above]![p] = belief[above]![p]! + message
    })
  }
  const ownMarginals: Float64Array[] = own.map(() => new Float64Array(0))
  const pairMarginals: Float64Array[] = own.map(() => new Float64Array(0))
  for (const node of order) {
    const above = parent[node]!
    if (above < 0) {
      const total = logSum(belief[node]!)
      ownMarginals[node] = belief[node]!.map((value) => Math.exp(value - total))
      continue
    }
    const size = own[node]!.length
    const pair = new Float64Array(withParent[node]!.length)
    const marginal = new Float64Array(size)
    // p(parent) p(child | parent): the parent's marginal is final already.
    ownMarginals[above]!.forEach((share, p) => {
      if (share === 0) return
      for (let c = 0; c < size; c++) {
        const value = share * Math.exp(withParent[node]![p * size + c]! + belief[node]![c]! - up[node]![p]!)
        pair[p * size + c] = value
        marginal[c] = marginal[c]! + value
      }
    })
    ownMarginals[node] = marginal
    pairMarginals[node] = pair
  }
  return { own: ownMarginals, withParent: pairMarginals }
}
