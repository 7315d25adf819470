import { mostPlaces } from './random-places.ts'

/** Shares of a unit are multiples of 2^-30: float64 sums of them are exact up to this many units (lemma 1 of docs/privacy.md). */
export const mostUnits = 2 ** 23

/**
 * Rows that a batch of d-dimensional vectors may have: their order is within rows^2 2^-97 of uniform in total variation, kept below
 * d 2^-65, so that with the d draws of noise it is below d 2^-64 (lemma 9 of docs/privacy.md).
 */
export const mostRowsOf = (dimension: number): number =>
  Math.min(mostPlaces, Math.floor(2 ** 16 * Math.sqrt(dimension)))
