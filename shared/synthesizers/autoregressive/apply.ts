import { CodedError } from '../../errors.ts'
import { counterRandom } from '../counter-random.ts'
import type { Layout } from '../cells.ts'
import { normSub } from '../norm-sub.ts'
import type { Network } from './network.ts'
import type { ReleasedModel, TrainingState } from './training-state.ts'

export { decodeState, encodeState, type ReleasedModel, type TrainingState } from './training-state.ts'

/*
 * What the coordinator does with noisy sums: post-processing, free of privacy cost. Every function is pure and repeats bit
 * for bit; none changes the state that it is given.
 */

const inputScale = 0.1
const hiddenScale = 0.01
const decay = { first: 0.9, second: 0.99 }
/** Least share that a bias starts from, so that a level the noise wiped out can still come back. */
const leastShare = 1e-4
/** A bias far below all others: e to its power is 0. */
const neverDrawn = -1e6

/** Small random weights on the hidden layer, zeros elsewhere. `seed`: a whole number, public. `levels`: none grouped unless given. */
export const initialModel = (
  network: Network,
  seed: number,
  levels: TrainingState['levels'] = network.layout.sizes.map(() => null),
): TrainingState => {
  const { dimension, inputHidden, hiddenBias, hiddenOutput, inputOutput } = network
  const random = counterRandom(seed, 0)
  const params = new Float32Array(dimension)
  for (let i = inputHidden.at[0] ?? 0; i < hiddenBias; i++) params[i] = inputScale * random.normal(i, 0)
  const outputsEnd = inputOutput.at[0] ?? dimension
  for (let i = hiddenOutput.at[0] ?? outputsEnd; i < outputsEnd; i++) params[i] = hiddenScale * random.normal(i, 0)
  return {
    network,
    params,
    firstMoment: new Float32Array(dimension),
    secondMoment: new Float32Array(dimension),
    updates: 0,
    average: new Float32Array(dimension),
    averaged: 0,
    marginals: null,
    levels,
  }
}

/**
 * Noisy shares from noisy 1-way counts (`noisySum`, one per cell of `layout`, in units). A column's counts are made consistent by
 * norm-sub towards the number of units that all columns together speak for, the mean of their sums weighted by the inverse of its
 * noise; `divisor`, the promised number, when that is not positive. Throws `AGGREGATE_INVALID` on a sum of the wrong length or not
 * finite.
 */
export const marginalShares = (layout: Layout, noisySum: Float64Array, divisor: number): Float64Array => {
  refuseUnfit(noisySum, layout.cells, divisor)
  const { sizes, offsets } = layout
  const columns = sizes.map((_, j) => noisySum.subarray(offsets[j]!, offsets[j + 1]!))
  const precision = sizes.reduce((total, size) => total + 1 / size, 0)
  const units =
    columns.reduce((total, counts, j) => total + counts.reduce((a, b) => a + b, 0) / sizes[j]!, 0) / precision
  const marginals = new Float64Array(layout.cells)
  columns.forEach((counts, j) => marginals.set(normSub(counts, units > 1 ? units : divisor), offsets[j]!))
  return marginals
}

/** Starts the output biases from the shares of the network's cells, and keeps them for raking. */
export const startFrom = (state: TrainingState, marginals: Float64Array): TrainingState => {
  const { outputBias } = state.network
  const params = state.params.slice()
  marginals.forEach((share, cell) => {
    params[outputBias + cell] = Math.log(Math.max(share, leastShare))
  })
  return { ...state, params, marginals }
}

/** Both, where no column is grouped. Throws `AGGREGATE_INVALID`. */
export const applyMarginals = (state: TrainingState, noisySum: Float64Array, divisor: number): TrainingState =>
  startFrom(state, marginalShares(state.network.layout, noisySum, divisor))

/**
 * One step of Adam (Kingma and Ba 2015) along `noisySum / divisor`. `step` counts from 1 to `totalSteps`; a step that was
 * lost is left out and the schedule goes on. The rate is constant for half of the steps, then falls linearly; the weights
 * after the last `averagedShare` of the steps are averaged. Throws `AGGREGATE_INVALID` on a sum of the wrong length or not
 * finite, `ARGUMENT_INVALID` on a step outside the schedule.
 */
export const applyGradient = (
  state: TrainingState,
  noisySum: Float64Array,
  divisor: number,
  step: number,
  totalSteps: number,
): TrainingState => {
  const { dimension, settings } = state.network
  refuseUnfit(noisySum, dimension, divisor)
  if (!(Number.isInteger(step) && Number.isInteger(totalSteps) && step >= 1 && step <= totalSteps))
    throw new CodedError('ARGUMENT_INVALID', `step ${step} is not in 1 to ${totalSteps}`)
  const updates = state.updates + 1
  const rate = settings.learningRate * Math.min(1, 2 * (1 - step / (totalSteps + 1)))
  const firstScale = 1 / (1 - decay.first ** updates)
  const secondScale = 1 / (1 - decay.second ** updates)
  const isAveraged = step > totalSteps * (1 - settings.averagedShare)
  const averaged = state.averaged + (isAveraged ? 1 : 0)
  const params = state.params.slice()
  const firstMoment = state.firstMoment.slice()
  const secondMoment = state.secondMoment.slice()
  const average = state.average.slice()
  for (let i = 0; i < dimension; i++) {
    const gradient = noisySum[i]! / divisor
    const first = decay.first * firstMoment[i]! + (1 - decay.first) * gradient
    const second = decay.second * secondMoment[i]! + (1 - decay.second) * gradient * gradient
    firstMoment[i] = first
    secondMoment[i] = second
    params[i] = params[i]! - (rate * first * firstScale) / (Math.sqrt(second * secondScale) + 1e-8)
    if (isAveraged) average[i] = average[i]! + (params[i]! - average[i]!) / averaged
  }
  return { ...state, params, firstMoment, secondMoment, updates, average, averaged }
}

/** The weights to broadcast for the next step. */
export const parametersOf = (state: TrainingState): Float32Array => state.params

/**
 * The averaged weights (the current ones before any step was averaged) and the noisy marginals. A group that no level fell into is
 * never drawn.
 */
export const release = ({ network, params, average, averaged, marginals, levels }: TrainingState): ReleasedModel => {
  const released = (averaged > 0 ? average : params).slice()
  const { sizes, offsets } = network.layout
  levels.forEach((column, j) => {
    if (column === null) return
    const used = new Uint8Array(sizes[j]!)
    for (const group of column.parent) used[group] = 1
    for (let group = 0; group < sizes[j]!; group++)
      if (used[group] === 0) released[network.outputBias + offsets[j]! + group] = neverDrawn
  })
  return { network, params: released, marginals, levels }
}

const refuseUnfit = (noisySum: Float64Array, length: number, divisor: number) => {
  if (noisySum.length !== length)
    throw new CodedError('AGGREGATE_INVALID', `a sum of ${length} values expected, got ${noisySum.length}`)
  if (!noisySum.every(Number.isFinite)) throw new CodedError('AGGREGATE_INVALID', 'the sum is not finite')
  if (!(Number.isFinite(divisor) && divisor > 0))
    throw new CodedError('ARGUMENT_INVALID', 'the divisor must be above 0')
}
