import type { Feature } from './binned-table.ts'

/** Sums over some rows: of the loss's first and second derivatives, and their number. */
export interface Sums {
  readonly gradient: number
  readonly hessian: number
  readonly rows: number
}

/** Which bins of a feature go left. */
export interface Split {
  readonly feature: number
  readonly left: Uint8Array
  readonly gain: number
}

const leastRows = 20
const leastHessian = 1e-3
/** Rows that a category needs to be placed by its own mean, and what its mean is shrunk by: scikit-learn's. */
const categorySupport = 10

/**
 * The best split of a node, from its histogram: 3 numbers (gradient, hessian, rows) for each bin of each feature, a feature's first
 * bin at `starts`. Null where none gains. Categories are sorted by their mean gradient and cut (Fisher 1958), from both ends.
 */
export const bestSplit = (
  features: readonly Feature[],
  starts: Int32Array,
  histogram: Float64Array,
  node: Sums,
): Split | null => {
  let best: { feature: number; order: readonly number[]; upTo: number; gain: number } | null = null
  const whole = node.gradient ** 2 / node.hessian
  const scan = (feature: number, order: readonly number[], most: number) => {
    let [gradient, hessian, rows] = [0, 0, 0]
    for (let i = 0; i < most; i++) {
      const at = 3 * (starts[feature]! + order[i]!)
      gradient += histogram[at]!
      hessian += histogram[at + 1]!
      rows += histogram[at + 2]!
      if (rows < leastRows || hessian < leastHessian) continue
      if (node.rows - rows < leastRows || node.hessian - hessian < leastHessian) break
      const gain = gradient ** 2 / hessian + (node.gradient - gradient) ** 2 / (node.hessian - hessian) - whole
      if (gain > (best?.gain ?? 1e-12)) best = { feature, order, upTo: i, gain }
    }
  }
  features.forEach(({ ordered, bins }, feature) => {
    const all = Array.from({ length: bins }, (_, bin) => bin)
    if (ordered) {
      scan(feature, all, bins - 1)
      return
    }
    const start = starts[feature]!
    const perHessian = node.rows / node.hessian
    const used = all.filter((bin) => histogram[3 * (start + bin) + 1]! * perHessian >= categorySupport)
    if (used.length < 2) return
    const mean = new Map(
      used.map((bin) => [bin, histogram[3 * (start + bin)]! / (histogram[3 * (start + bin) + 1]! + categorySupport)]),
    )
    used.sort((a, b) => mean.get(a)! - mean.get(b)!)
    const most = (used.length + 1) >> 1
    scan(feature, used, most)
    scan(feature, [...used].reverse(), most)
  })
  const found = best as { feature: number; order: readonly number[]; upTo: number; gain: number } | null
  if (found === null) return null
  const left = new Uint8Array(features[found.feature]!.bins)
  for (let i = 0; i <= found.upTo; i++) left[found.order[i]!] = 1
  return { feature: found.feature, left, gain: found.gain }
}
