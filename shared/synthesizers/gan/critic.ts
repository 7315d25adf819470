import type { Layout } from '../cells.ts'
import { counterRandom } from '../counter-random.ts'
import { type PairCells, pairCellsOf } from './pair-cells.ts'

/**
 * The critic, D(x) = sum of w over the row's pairs of cells + v . relu(A x + b), x the one-hot row. The vector of a query is
 * dD/dw (`pairs.dimension`), then dD/dA (cells x hidden), dD/db (hidden), dD/dv (hidden).
 *
 * dD/dw does not hang on any weight: a row's pairs of cells. So w is never sent, and the coordinator keeps it at its best response
 * to all rounds together.
 */
export interface Critic {
  readonly pairs: PairCells
  readonly hidden: number
  /** Places of b and v in the packed weights of the network, A first; `weights` of them in all. */
  readonly bias: number
  readonly output: number
  readonly weights: number
  /** Length of a query's vector: pairs and weights. */
  readonly dimension: number
  /**
   * The part of the squared clip norm that the pairs have; the network has the rest (clipping by layers, McMahan et al. 2018).
   * 1 without hidden units, 0 without pairs.
   */
  readonly pairsShare: number
}

export const criticOf = (layout: Layout, hidden: number, pairsShare: number): Critic => {
  const pairs = pairCellsOf(layout)
  const bias = layout.cells * hidden
  const output = bias + hidden
  const weights = output + hidden
  return {
    pairs,
    hidden,
    bias,
    output,
    weights,
    dimension: pairs.dimension + weights,
    pairsShare: hidden === 0 ? 1 : pairs.blocks === 0 ? 0 : pairsShare,
  }
}

export const initialCritic = (critic: Critic, seed: number): Float32Array => {
  const random = counterRandom(seed, 12)
  const columns = critic.pairs.layout.sizes.length
  const params = new Float32Array(critic.weights)
  for (let i = 0; i < critic.bias; i++) params[i] = random.normal(i, 0)
  for (let k = 0; k < critic.hidden; k++) {
    params[critic.bias + k] = 0.5 * Math.sqrt(columns) * random.normal(k, 1)
    params[critic.output + k] = random.normal(k, 2) / Math.sqrt(critic.hidden)
  }
  return params
}
