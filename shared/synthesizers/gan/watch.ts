import { type Collapse, collapseOf } from './collapse.ts'
import type { FixedDraws } from './conditions.ts'
import { forward } from './generator-net.ts'
import { mixtureShares } from './generator-steps.ts'
import { symmetric } from './pair-cells.ts'
import type { GanPlan } from './plan.ts'
import type { TrainingState } from './training-state.ts'

type Seen = Pick<TrainingState, 'pairTotal' | 'pairVariance' | 'rounds'>

/** Mode collapse of the generator with weights `params`; `shares`: noisy shares of its cells. */
export const watched = (
  { critic, generator: net }: GanPlan,
  { pairTotal, pairVariance, rounds }: Seen,
  params: Float32Array,
  draws: FixedDraws,
  shares: Float64Array,
): Collapse => {
  const own = forward(net, params, draws).shares
  const pairs =
    rounds === 0 || critic.pairs.blocks === 0
      ? null
      : {
          generated: mixtureShares(net.layout, own, draws.weights).pairs,
          noisy: symmetric(
            critic.pairs,
            pairTotal.map((total) => total / rounds),
          ),
          deviation: Math.sqrt(pairVariance) / rounds,
        }
  return collapseOf(net.layout, freeShares(net.layout, own, draws), shares, pairs)
}

/**
 * What the generator gives each level by its own choice: the mean over the draws that are not conditioned on that column. A column
 * that all draws are conditioned on has its shares as they are.
 */
export const freeShares = (
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
