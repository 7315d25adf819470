import { pairVector } from '../mixture/pair-matrix.ts'
import { type Collapse, collapseOf } from './collapse.ts'
import type { FixedDraws } from './conditions.ts'
import { forward } from './generator-net.ts'
import { mixtureShares } from './generator-steps.ts'
import { pairEstimate, pairSharesOf } from './pair-estimate.ts'
import type { GanPlan } from './plan.ts'
import type { TrainingState } from './training-state.ts'

/** Mode collapse of the generator with weights `params`; `shares`: noisy shares of its cells. */
export const watched = (
  { critic, generator: net }: GanPlan,
  state: Pick<TrainingState, 'pairTotal' | 'pairVariance' | 'rounds'>,
  params: Float32Array,
  draws: FixedDraws,
  shares: Float64Array,
): Collapse => {
  const own = forward(net, params, draws).shares
  const seen = state.rounds === 0 ? null : pairEstimate(critic, state, shares)
  const pairs = seen && {
    pairs: seen.pairs,
    generated: pairVector(seen.pairs, mixtureShares(net.layout, own, draws.weights).pairs, 1),
    noisy: pairSharesOf(seen),
    sigma: seen.sigma,
  }
  return collapseOf(net.layout, freeShares(net.layout, own, draws), shares, pairs)
}

/**
 * What the generator gives each level by its own choice: the mean over the draws that are not conditioned on that column. A column
 * that all draws are conditioned on has its shares as they are.
 */
const freeShares = (
  { offsets, sizes, cells: width }: GanPlan['generator']['layout'],
  shares: Float32Array,
  { conditions, weights }: FixedDraws,
): Float64Array => {
  const free = new Float64Array(width)
  sizes.forEach((_, j) => {
    const [from, to] = [offsets[j]!, offsets[j + 1]!]
    const isFree = (k: number) => conditions[k]! < from || conditions[k]! >= to
    const isAny = conditions.some((_condition, k) => isFree(k))
    let total = 0
    for (let k = 0; k < weights.length; k++) {
      if (isAny && !isFree(k)) continue
      total += weights[k]!
      for (let cell = from; cell < to; cell++) free[cell] = free[cell]! + weights[k]! * shares[k * width + cell]!
    }
    for (let cell = from; cell < to; cell++) free[cell] = free[cell]! / total
  })
  return free
}
