import { CodedError } from '../../errors.ts'
import type { FamilyStep } from '../family.ts'
import { openArrays, sealArrays } from './sealed-arrays.ts'
import type { StudyMixture } from './study-mixture.ts'

/** Noisy releases so far, combined by inverse variance. */
export interface TrainingState {
  /** Public. */
  readonly seed: number
  /** By fine cell: counts times their precision, summed over releases. */
  readonly marginals: Float64Array
  /** Sum of the precisions of a count (1 / noise^2). */
  readonly marginalPrecision: number
  /** Of the last release of marginals; 1 before any. */
  readonly divisor: number
  /** By pair cell: double-centred counts times their precision, summed over releases. */
  readonly pairs: Float64Array
  /** By pair. */
  readonly pairPrecision: Float64Array
  /** Components x cells once fitted, else empty. */
  readonly probabilities: Float32Array
  /** Weights of the outcome's law once fitted and where an outcome is named, else empty. */
  readonly law: Float32Array
}

export const initialState = ({ fine, pairs }: StudyMixture, seed: number): TrainingState => ({
  seed,
  marginals: new Float64Array(fine.cells),
  marginalPrecision: 0,
  divisor: 1,
  pairs: new Float64Array(pairs.dimension),
  pairPrecision: new Float64Array(pairs.pairs),
  probabilities: new Float32Array(0),
  law: new Float32Array(0),
})

const refuseUnfit = (step: FamilyStep, sum: Float64Array, length: number) => {
  if (sum.length !== length)
    throw new CodedError('AGGREGATE_INVALID', `a sum of ${length} values expected, got ${sum.length}`)
  if (!sum.every(Number.isFinite)) throw new CodedError('AGGREGATE_INVALID', 'the sum is not finite')
  if (!(Number.isFinite(step.noise) && step.noise > 0 && Number.isFinite(step.divisor) && step.divisor > 0))
    throw new CodedError('ARGUMENT_INVALID', 'noise and divisor must be above 0')
}

/** Throws `AGGREGATE_INVALID` on a sum of the wrong length or not finite. */
export const withMarginals = (state: TrainingState, step: FamilyStep, sum: Float64Array): TrainingState => {
  refuseUnfit(step, sum, state.marginals.length)
  const precision = 1 / step.noise ** 2
  return {
    ...state,
    marginals: state.marginals.map((value, cell) => value + sum[cell]! * precision),
    marginalPrecision: state.marginalPrecision + precision,
    divisor: step.divisor,
  }
}

/** `weights`: what sites were shown by pair. Throws `AGGREGATE_INVALID` on a sum of the wrong length or not finite. */
export const withPairs = (
  state: TrainingState,
  step: FamilyStep,
  sum: Float64Array,
  { offsets }: Pick<StudyMixture['pairs'], 'offsets'>,
  weights: Float32Array,
): TrainingState => {
  refuseUnfit(step, sum, state.pairs.length)
  const pairs = state.pairs.slice()
  const pairPrecision = state.pairPrecision.slice()
  weights.forEach((weight, pair) => {
    // A count is value / weight with noise / weight: times its precision, value weight / noise^2.
    const scale = weight / step.noise ** 2
    for (let cell = offsets[pair]!; cell < offsets[pair + 1]!; cell++) pairs[cell] = pairs[cell]! + sum[cell]! * scale
    pairPrecision[pair] = pairPrecision[pair]! + weight * scale
  })
  return { ...state, pairs, pairPrecision }
}

const format = 'tributary mixture state 1'

export const encodeState = ({ seed, marginalPrecision, divisor, ...state }: TrainingState): Uint8Array =>
  sealArrays(format, { seed }, [
    Float64Array.of(marginalPrecision, divisor),
    state.marginals,
    state.pairs,
    state.pairPrecision,
    state.probabilities,
    state.law,
  ])

/** The state that `encodeState` wrote for this study, bit for bit. Throws `STATE_CORRUPT` on any other bytes. */
export const decodeState = (
  { fine, pairs, settings, sizes, outcome }: StudyMixture,
  bytes: Uint8Array,
): TrainingState =>
  openArrays(bytes, format, "this study's training", ({ header, next }) => {
    const seed = header.seed
    if (!Number.isSafeInteger(seed)) throw new RangeError('seed')
    const [marginalPrecision, divisor] = next('f8', 2) as unknown as [number, number]
    const state = {
      seed: seed as number,
      marginalPrecision,
      divisor,
      marginals: next('f8', fine.cells),
      pairs: next('f8', pairs.dimension),
      pairPrecision: next('f8', pairs.pairs),
      probabilities: next('f4'),
      law: next('f4'),
    }
    const { length } = state.probabilities
    if (length !== 0 && length !== settings.components * pairs.layout.cells) throw new RangeError('components')
    const lawful = outcome === null ? 0 : (pairs.layout.cells + 1) * sizes[outcome]!
    if (state.law.length !== 0 && (length === 0 || state.law.length !== lawful)) throw new RangeError('law')
    return state
  })
