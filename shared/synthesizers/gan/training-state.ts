import { openArrays, sealArrays } from '../mixture/sealed-arrays.ts'
import { type Moments, noMoments } from './adam.ts'
import { initialCritic } from './critic.ts'
import type { GanPlan } from './plan.ts'

/** Everything that the next step depends on. All of it is made of public facts, the seed and noisy sums. */
export interface TrainingState {
  readonly seed: number
  /** Noisy share of every level, each column adding up to 1; null until measured. */
  readonly shares: Float64Array | null
  /** Promised units over the units that the noisy marginals speak of: scales an estimate made with the promised number. */
  readonly scale: number
  readonly units: number
  readonly critic: Float32Array
  readonly criticMoments: Moments
  /** Noisy pair shares, added up over `rounds` gradients, and the noise variance of one such share added up alike. */
  readonly pairTotal: Float64Array
  readonly pairVariance: number
  readonly rounds: number
  /** How far the critic tells real from fake rows by its network, in its own standard deviations: a running mean. */
  readonly gap: number
  readonly generator: Float32Array
  readonly generatorMoments: Moments
  /** Running mean of `generator` over the `averaged` last rounds. */
  readonly average: Float32Array
  readonly averaged: number
}

const format = 'tributary gan state 1'

export const initialState = ({ critic, generator }: GanPlan, seed: number): TrainingState => ({
  seed,
  shares: null,
  scale: 1,
  units: 0,
  critic: initialCritic(critic, seed),
  criticMoments: noMoments(critic.weights),
  pairTotal: new Float64Array(critic.pairs.dimension),
  pairVariance: 0,
  rounds: 0,
  gap: 0,
  generator: new Float32Array(generator.dimension),
  generatorMoments: noMoments(generator.dimension),
  average: new Float32Array(generator.dimension),
  averaged: 0,
})

export const encodeState = (state: TrainingState): Uint8Array => {
  const { seed, shares, scale, units, pairVariance, rounds, gap, averaged, criticMoments, generatorMoments } = state
  return sealArrays(
    format,
    {
      seed,
      scale,
      units,
      pairVariance,
      rounds,
      gap,
      averaged,
      measured: shares !== null,
      criticSteps: criticMoments.steps,
      generatorSteps: generatorMoments.steps,
    },
    [
      ...(shares === null ? [] : [shares]),
      state.critic,
      criticMoments.first,
      criticMoments.second,
      state.pairTotal,
      state.generator,
      generatorMoments.first,
      generatorMoments.second,
      state.average,
    ],
  )
}

/** The state that `encodeState` wrote, bit for bit. Throws `STATE_CORRUPT` on other bytes, and on those of another plan. */
export const decodeState = ({ fine, critic, generator }: GanPlan, bytes: Uint8Array): TrainingState =>
  openArrays(bytes, format, 'a training state of this study', ({ header, next }) => {
    const number = (name: string) => {
      const value = header[name]
      if (typeof value !== 'number' || !Number.isFinite(value)) throw new RangeError(name)
      return value
    }
    const count = (name: string) => {
      const value = number(name)
      if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(name)
      return value
    }
    const moments = (length: number, name: string) => ({
      first: next('f4', length),
      second: next('f4', length),
      steps: count(name),
    })
    return {
      seed: count('seed'),
      shares: header.measured === true ? next('f8', fine.cells) : null,
      scale: number('scale'),
      units: number('units'),
      critic: next('f4', critic.weights),
      criticMoments: moments(critic.weights, 'criticSteps'),
      pairTotal: next('f8', critic.pairs.dimension),
      pairVariance: number('pairVariance'),
      rounds: count('rounds'),
      gap: number('gap'),
      generator: next('f4', generator.dimension),
      generatorMoments: moments(generator.dimension, 'generatorSteps'),
      average: next('f4', generator.dimension),
      averaged: count('averaged'),
    }
  })
