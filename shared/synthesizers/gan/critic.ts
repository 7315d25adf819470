import { floatSlack } from '../clipped-sum.ts'
import { counterRandom } from '../counter-random.ts'
import { centredSquare, type PairLayout } from '../mixture/pair-layout.ts'
import { squaredLength } from '../mixture/pair-weights.ts'

/**
 * The critic, D(x) = sum over pairs of columns of w_ij . (e_i - 1/g_i)(e_j - 1/g_j)' + v . relu(A x + b): x is the one-hot row, e_i
 * its part for column i with g_i groups. The vector of a query is dD/dw (`pairs.dimension`), then dD/dA (cells x hidden), dD/db
 * (hidden), dD/dv (hidden).
 *
 * dD/dw does not hang on any weight: a row's centred pairs of cells, of one length for every row. So w is never sent, and the
 * coordinator keeps it at its best response to all rounds together.
 */
export interface Critic {
  readonly pairs: PairLayout
  /**
   * By pair of columns, times the clip norm: what its centred cells count in a row's vector, of squared length
   * `pairsShare` (1 - 2^-10)^2 in all; 0 where a side has one group.
   */
  readonly pairWeights: Float64Array
  readonly hidden: number
  /** Places of b and v in the packed weights of the network, A first; `weights` of them in all. */
  readonly bias: number
  readonly output: number
  readonly weights: number
  /** Length of a query's vector: pairs and weights. */
  readonly dimension: number
  /**
   * The part of the squared clip norm that the pairs have; the network has the rest (clipping by layers, McMahan et al. 2018).
   * 1 without hidden units, 0 where no pair of columns tells anything.
   */
  readonly pairsShare: number
}

/** `worth`: by pair, how its weight stands to the others'. */
export const criticOf = (pairs: PairLayout, worth: Float32Array, hidden: number, share: number): Critic => {
  const { cells } = pairs.layout
  const length = Math.sqrt(squaredLength(pairs, worth))
  const pairsShare = length === 0 ? 0 : hidden === 0 ? 1 : share
  const scale = length === 0 ? 0 : (Math.sqrt(pairsShare) * (1 - floatSlack)) / length
  const bias = cells * hidden
  const output = bias + hidden
  const weights = output + hidden
  return {
    pairs,
    pairWeights: Float64Array.from(worth, (value) => value * scale),
    hidden,
    bias,
    output,
    weights,
    dimension: pairs.dimension + weights,
    pairsShare,
  }
}

/** The most that one row can add to a coordinate of the pairs, times the clip norm: their sums grow with the rows. */
export const reachOf = ({ pairs, pairWeights }: Critic): number =>
  pairWeights.reduce((most, weight, pair) => Math.max(most, weight * centredSquare(pairs, pair)), 0)

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
