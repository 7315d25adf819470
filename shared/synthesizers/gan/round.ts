import { productSampler } from '../../generator/product-components.ts'
import { counterRandom } from '../counter-random.ts'
import { floatSlack } from '../clipped-sum.ts'
import type { FamilyStep } from '../family.ts'
import { copyOf } from './adam.ts'
import { pairLength } from './clipped-sum.ts'
import type { FixedDraws } from './conditions.ts'
import { criticStep } from './critic-step.ts'
import { forward } from './generator-net.ts'
import { generatorSteps, type Target } from './generator-steps.ts'
import { networkSlope } from './network-slope.ts'
import { symmetric } from './pair-cells.ts'
import type { GanPlan } from './plan.ts'
import type { TrainingState } from './training-state.ts'

/** The released weights are the mean over this last part of the rounds. */
const averagedShare = 0.25
/** Least share a worth is computed with. */
const leastShare = 1e-5
/** How hard the generator is held to the noisy marginals, beside its pairs. */
const marginalHold = { strength: 0.5, leastShare: 1e-4 }

/**
 * One round at the coordinator, post-processing of a noisy sum: the critic's pair weights go to their best response to all rounds so
 * far, its network takes a step, and the generator several. `shares`: noisy shares of the critic's cells. Pure.
 */
export const afterGradient = (
  { block, critic, generator: net }: GanPlan,
  state: TrainingState,
  draws: FixedDraws,
  shares: Float64Array,
  { within, steps, divisor, noise }: FamilyStep,
  sum: Float64Array,
): TrainingState => {
  const target = 1 - floatSlack
  const length = pairLength(critic, target)
  const estimate = sum.map((value) => (value / divisor) * state.scale)
  const rounds = state.rounds + 1
  const falling = Math.min(1, 2 * (1 - within / steps))
  const pairTotal = state.pairTotal.map((total, i) => total + (length > 0 ? estimate[i]! / length : 0))
  const pairVariance = state.pairVariance + (length > 0 ? ((noise / divisor / length) * state.scale) ** 2 : 0)
  const generator = state.generator.slice()
  const network =
    critic.hidden === 0
      ? { params: state.critic, moments: state.criticMoments, gap: 0, strength: 0 }
      : criticStep(
          critic,
          { params: state.critic, moments: state.criticMoments, gap: state.gap },
          estimate.subarray(critic.pairs.dimension),
          productSampler({
            layout: net.layout,
            probabilities: forward(net, generator, draws).shares,
            weights: draws.weights,
          }),
          {
            target: Math.sqrt(1 - critic.pairsShare) * target,
            rate: block.critic_learning_rate * falling,
            round: state.rounds,
            seed: state.seed,
          },
        )
  const perRound = Math.ceil(block.generator_steps / steps)
  const generatorMoments = generatorSteps(
    net,
    generator,
    copyOf(state.generatorMoments),
    draws,
    targetOf(critic.pairs, shares, pairTotal, rounds, (state.units * pairVariance) / rounds ** 2),
    network.strength > 0 ? networkSlope(critic, network.params, network.strength, counterRandom(state.seed, 15)) : null,
    { first: state.rounds * perRound, steps: perRound, rate: block.learning_rate * falling },
  )
  const isAveraged = within >= steps * (1 - averagedShare)
  const averaged = state.averaged + (isAveraged ? 1 : 0)
  return {
    ...state,
    critic: network.params,
    criticMoments: network.moments,
    gap: network.gap,
    pairTotal,
    pairVariance,
    rounds,
    generator,
    generatorMoments,
    average: isAveraged ? state.average.map((mean, i) => mean + (generator[i]! - mean) / averaged) : state.average,
    averaged,
  }
}

/**
 * A pair of cells is worth 1 / sqrt(p + n s^2), p its share if columns were independent, s the noise of its estimate, n the units:
 * between a flat worth, which leaves rare levels out, and the inverse of the variance, which chases them (Fisher's, Mroueh and
 * Sercu 2017).
 */
const targetOf = (
  pairs: GanPlan['critic']['pairs'],
  shares: Float64Array,
  total: Float64Array,
  rounds: number,
  noise: number,
): Target => {
  const { offsets, sizes, cells: width } = pairs.layout
  const pairWorth = new Float32Array(width * width)
  sizes.forEach((_, i) => {
    for (let a = offsets[i]!; a < offsets[i + 1]!; a++)
      for (let b = 0; b < width; b++)
        if (b < offsets[i]! || b >= offsets[i + 1]!)
          pairWorth[a * width + b] = 1 / Math.sqrt(shares[a]! * shares[b]! + noise + leastShare)
  })
  return {
    pairs: symmetric(
      pairs,
      total.map((value) => value / rounds),
    ),
    pairWorth,
    marginals: shares,
    marginalWorth: shares.map((share) => marginalHold.strength / (share + marginalHold.leastShare)),
  }
}
