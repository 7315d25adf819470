import { CodedError } from './errors.ts'

/**
 * Branded privacy units. This file alone may brand; every constructor refuses NaN, infinity, negatives and values outside
 * the unit's range with `UNIT_OUT_OF_RANGE`. A zero never means "no noise" or "no limit".
 */
declare const unit: unique symbol
type Unit<T, Name extends string> = T & { readonly [unit]: Name }

/** Privacy loss bound, > 0. */
export type Epsilon = Unit<number, 'Epsilon'>
/** The allowance beside epsilon, 0 <= delta < 1 (0 is pure differential privacy). */
export type Delta = Unit<number, 'Delta'>
/** Standard deviation of the summed noise over the clip norm, > 0. */
export type NoiseMultiplier = Unit<number, 'NoiseMultiplier'>
/** Largest L2 norm of one unit's vector, > 0. */
export type ClipNorm = Unit<number, 'ClipNorm'>
/** Poisson sampling rate, 0 < q <= 1. */
export type SamplingRate = Unit<number, 'SamplingRate'>

const refuse = (name: string, value: number, range: string): never => {
  throw new CodedError('UNIT_OUT_OF_RANGE', `${name} must be ${range}, got ${value}`)
}

const isPositive = (value: number) => Number.isFinite(value) && value > 0

export const epsilon = (value: number): Epsilon =>
  isPositive(value) ? (value as Epsilon) : refuse('epsilon', value, 'a finite number above 0')

export const delta = (value: number): Delta =>
  Number.isFinite(value) && value >= 0 && value < 1 ? (value as Delta) : refuse('delta', value, 'in [0, 1)')

export const noiseMultiplier = (value: number): NoiseMultiplier =>
  isPositive(value) ? (value as NoiseMultiplier) : refuse('noise multiplier', value, 'a finite number above 0')

export const clipNorm = (value: number): ClipNorm =>
  isPositive(value) ? (value as ClipNorm) : refuse('clip norm', value, 'a finite number above 0')

export const samplingRate = (value: number): SamplingRate =>
  isPositive(value) && value <= 1 ? (value as SamplingRate) : refuse('sampling rate', value, 'in (0, 1]')

/** A whole number of at least `least`, exact in a double. Throws `UNIT_OUT_OF_RANGE`. */
export const count = (name: string, value: number, least = 0): number =>
  Number.isSafeInteger(value) && value >= least ? value : refuse(name, value, `a whole number of at least ${least}`)
