import { productSampler } from '../../generator/product-components.ts'
import { counterRandom } from '../counter-random.ts'
import { floatSlack } from '../clipped-sum.ts'
import type { FamilyStep } from '../family.ts'
import { residualTarget } from '../mixture/denoise.ts'
import { pairShape } from '../mixture/pair-layout.ts'
import { pairMatrix, pairVector } from '../mixture/pair-matrix.ts'
import { copyOf } from './adam.ts'
import type { Critic } from './critic.ts'
import type { FixedDraws } from './conditions.ts'
import { criticStep } from './critic-step.ts'
import { forward } from './generator-net.ts'
import { generatorSteps, mixtureShares, type Target } from './generator-steps.ts'
import { networkSlope } from './network-slope.ts'
import { type PairEstimate, pairEstimate } from './pair-estimate.ts'
import type { GanPlan } from './plan.ts'
import type { Product } from './product.ts'
import type { TrainingState } from './training-state.ts'

/** The released weights are the mean over this last part of the rounds. */
const averagedShare = 0.25
/** Least share a worth is computed with. */
const leastShare = 1e-5
/** How hard the generator is held to the noisy marginals, beside its pairs. */
const marginalHold = { strength: 0.5, leastShare: 1e-4 }

/**
 * One round at the coordinator, post-processing of a noisy sum: the critic's pair weights go to their best response to all rounds so
 * far, its network takes a step, and the generator several. `shares`: noisy shares of the critic's cells. Pure, but for what
 * an engine makes of `product`.
 */
export const afterGradient = (
  { block, critic, generator: net }: GanPlan,
  state: TrainingState,
  draws: FixedDraws,
  shares: Float64Array,
  { within, steps, divisor, noise }: FamilyStep,
  sum: Float64Array,
  product: Product,
): TrainingState => {
  const estimate = sum.map((value) => (value / divisor) * state.scale)
  const rounds = state.rounds + 1
  const falling = Math.min(1, 2 * (1 - within / steps))
  const seen = {
    pairTotal: withPairs(critic, state.pairTotal, estimate),
    pairVariance: state.pairVariance + ((noise / divisor) * state.scale) ** 2,
    rounds,
  }
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
            target: Math.sqrt(1 - critic.pairsShare) * (1 - floatSlack),
            rate: block.critic_learning_rate * falling,
            round: state.rounds,
            seed: state.seed,
          },
        )
  const fakePairs = pairVector(
    critic.pairs,
    mixtureShares(net.layout, forward(net, generator, draws).shares, draws.weights, product).pairs,
    1,
  )
  const perRound = Math.ceil(block.generator_steps / steps)
  const generatorMoments = generatorSteps(
    net,
    generator,
    copyOf(state.generatorMoments),
    draws,
    targetOf(pairEstimate(critic, seen, shares), fakePairs, state.units),
    network.strength > 0 ? networkSlope(critic, network.params, network.strength, counterRandom(state.seed, 15)) : null,
    { first: state.rounds * perRound, steps: perRound, rate: block.learning_rate * falling, product },
  )
  const isAveraged = within >= steps * (1 - averagedShare)
  const averaged = state.averaged + (isAveraged ? 1 : 0)
  return {
    ...state,
    critic: network.params,
    criticMoments: network.moments,
    gap: network.gap,
    ...seen,
    generator,
    generatorMoments,
    average: isAveraged ? state.average.map((mean, i) => mean + (generator[i]! - mean) / averaged) : state.average,
    averaged,
  }
}

/** Centred shares of the pairs added up, of an estimate in the units of the vector. */
const withPairs = ({ pairs, pairWeights }: Critic, before: Float64Array, estimate: Float64Array): Float64Array => {
  const total = before.slice()
  pairWeights.forEach((weight, pair) => {
    if (weight > 0)
      for (let cell = pairs.offsets[pair]!; cell < pairs.offsets[pair + 1]!; cell++)
        total[cell] = total[cell]! + estimate[cell]! / weight
  })
  return total
}

/**
 * What the generator is led to: its own pairs and, beyond them, what all rounds show that noise does not explain (singular values
 * of every pair's difference, shrunk). A pair of cells is worth 1 / sqrt(p + n s^2), p its share if columns were independent, s the
 * noise of its estimate, n the units: between a flat worth, which leaves rare levels out, and the inverse of the variance, which
 * chases them (Fisher's, Mroueh and Sercu 2017).
 */
const targetOf = (seen: PairEstimate, fake: Float64Array, units: number): Target => {
  const { pairs, margins, sigma } = seen
  const { offsets } = pairs.layout
  const worth = new Float64Array(pairs.dimension)
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const { i, j, rows, columns, at } = pairShape(pairs, pair)
    const noise = units * sigma[pair]! ** 2
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++)
        worth[at + r * columns + c] =
          1 / Math.sqrt(margins[offsets[i]! + r]! * margins[offsets[j]! + c]! + noise + leastShare)
  }
  return {
    pairs: pairMatrix(pairs, residualTarget(seen, fake).pairs),
    pairWorth: pairMatrix(pairs, worth),
    marginals: margins,
    marginalWorth: margins.map((share) => marginalHold.strength / (share + marginalHold.leastShare)),
  }
}
