import type { Layout } from '@tributary/shared/synthesizers/cells'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import type { WeightedRows } from '../pairwise-distance.ts'
import { binned, type Feature, featuresOf } from './binned-table.ts'
import { addTree, growTree, type Tree } from './tree.ts'

export interface BoostedOptions {
  readonly trees: number
  readonly learningRate: number
}

/** Log-odds of a row being positive. */
export type Scorer = (cells: Uint16Array) => Float64Array

/** Above so many rows a tenth of them is kept aside and the fit stops when it no longer gains there. */
const stopsEarlyFrom = 10_000
const patience = 10
const tolerance = 1e-7

/**
 * Gradient boosting of the logistic loss on codes, as scikit-learn's HistGradientBoostingClassifier at its defaults (31 leaves, 20
 * rows a leaf, no ridge, early stopping above 10,000 rows): for quality figures comparable to those of evaluate.py. `ordered` by
 * column: cut by threshold, else by sets. Columns in `without` are no features. Repeatable per `seed`. Cost: trees x rows x
 * features x about 3.
 */
export const fitBoosted = (
  layout: Layout,
  ordered: readonly boolean[],
  without: ReadonlySet<number>,
  train: WeightedRows,
  labels: Uint8Array,
  { trees: most, learningRate }: BoostedOptions,
  seed = 0,
): Scorer => {
  const features = featuresOf(layout, ordered, without, train)
  const table = binned(features, layout.sizes.length, train.cells)
  const starts = startsOf(features)
  const weightOf = (row: number) => train.weights?.[row] ?? 1
  const { fitted, checked } = keptAside(table.rows, labels, seed)
  const base = startOf(fitted, labels, weightOf)
  const score = new Float64Array(table.rows).fill(base)
  const gradient = new Float64Array(table.rows)
  const hessian = new Float64Array(table.rows)
  const trees: Tree[] = []
  const losses: number[] = [lossOf(checked, labels, score, weightOf)]
  for (let i = 0; i < most; i++) {
    for (const row of fitted) {
      const p = 1 / (1 + Math.exp(-score[row]!))
      gradient[row] = weightOf(row) * (p - labels[row]!)
      hessian[row] = weightOf(row) * p * (1 - p)
    }
    const tree = growTree(features, starts, table, fitted, { gradient, hessian }, learningRate, score)
    trees.push(tree)
    if (checked.length === 0) continue
    addTree(tree, table, checked, score)
    losses.push(lossOf(checked, labels, score, weightOf))
    const before = losses.at(-patience - 1)
    if (before !== undefined && !losses.slice(-patience).some((loss) => loss < before - tolerance)) break
  }
  return (cells) => {
    const rows = binned(features, layout.sizes.length, cells)
    const all = Uint32Array.from({ length: rows.rows }, (_, row) => row)
    const out = new Float64Array(rows.rows).fill(base)
    for (const tree of trees) addTree(tree, rows, all, out)
    return out
  }
}

const startsOf = (features: readonly Feature[]): Int32Array => {
  const starts = new Int32Array(features.length + 1)
  features.forEach(({ bins }, f) => {
    starts[f + 1] = starts[f]! + bins
  })
  return starts
}

/** A tenth of each class aside where there are many rows. */
const keptAside = (rows: number, labels: Uint8Array, seed: number) => {
  if (rows <= stopsEarlyFrom)
    return { fitted: Uint32Array.from({ length: rows }, (_, r) => r), checked: new Uint32Array(0) }
  const random = counterRandom(seed, 204)
  const key = Float64Array.from({ length: rows }, (_, r) => random.uniform(r, 0))
  const checked: number[] = []
  for (const label of [0, 1]) {
    const own = Array.from({ length: rows }, (_, r) => r).filter((r) => labels[r] === label)
    own.sort((a, b) => key[a]! - key[b]!)
    checked.push(...own.slice(0, Math.round(own.length / 10)))
  }
  const isChecked = new Set(checked)
  return {
    fitted: Uint32Array.from(Array.from({ length: rows }, (_, r) => r).filter((r) => !isChecked.has(r))),
    checked: Uint32Array.from(checked),
  }
}

/** Log-odds of the share of positives, kept finite. */
const startOf = (rows: Uint32Array, labels: Uint8Array, weightOf: (row: number) => number): number => {
  let [positive, total] = [0, 0]
  for (const row of rows) {
    positive += weightOf(row) * labels[row]!
    total += weightOf(row)
  }
  const share = Math.min(Math.max(positive / total, 1e-9), 1 - 1e-9)
  return Math.log(share / (1 - share))
}

const lossOf = (
  rows: Uint32Array,
  labels: Uint8Array,
  score: Float64Array,
  weightOf: (row: number) => number,
): number => {
  let [loss, total] = [0, 0]
  for (const row of rows) {
    const s = score[row]!
    loss += weightOf(row) * (Math.max(s, 0) - labels[row]! * s + Math.log1p(Math.exp(-Math.abs(s))))
    total += weightOf(row)
  }
  return loss / total
}
