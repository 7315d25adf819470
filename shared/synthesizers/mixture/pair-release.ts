import type { PairLayout } from './pair-layout.ts'

/** What the hospitals' noisy sums say, as counts of units on the groups' layout: all that the fit starts from. */
export interface PairRelease {
  readonly pairs: PairLayout
  /** Units, estimated from the noisy counts, above 0. */
  readonly units: number
  /** By cell of the groups' layout: shares from the noisy 1-way counts, each column adding up to 1. */
  readonly margins: Float64Array
  /** Noisy count of every cell of every pair, double-centred before noise: what is beyond the margins. */
  readonly pairCounts: Float64Array
  /** Standard deviation of the noise of one cell, by pair; infinite where the pair was not measured. */
  readonly sigma: Float64Array
}

/** What the mixture is fitted to. Shares of one. */
export interface PairTarget {
  /** By cell of the groups' layout; each column adds up to 1. */
  readonly margins: Float64Array
  /** By cell of the pair layout. Not a distribution: a cell may be slightly negative. */
  readonly pairs: Float64Array
  /** By pair: how much its squared error counts. */
  readonly trust: Float64Array
}
