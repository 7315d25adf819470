import type { PairRelease } from '../mixture/pair-release.ts'
import { pairShape } from '../mixture/pair-layout.ts'
import type { Critic } from './critic.ts'
import type { TrainingState } from './training-state.ts'

/** What all rounds so far say of the pairs: shares of one, double-centred, and the noise of a cell by pair. */
export type PairEstimate = Pick<PairRelease, 'pairs' | 'units' | 'margins' | 'pairCounts' | 'sigma'>

/** From the first round on. `shares`: noisy shares of the critic's cells. */
export const pairEstimate = (
  { pairs, pairWeights }: Critic,
  { pairTotal, pairVariance, rounds }: Pick<TrainingState, 'pairTotal' | 'pairVariance' | 'rounds'>,
  shares: Float64Array,
): PairEstimate => {
  const noise = Math.sqrt(pairVariance) / rounds
  return {
    pairs,
    units: 1,
    margins: shares,
    pairCounts: pairTotal.map((total) => total / rounds),
    sigma: pairWeights.map((weight) => (weight > 0 ? noise / weight : Number.POSITIVE_INFINITY)),
  }
}

/** The shares that the estimate and the noisy margins together give the pairs' cells; a cell may be negative. */
export const pairSharesOf = ({ pairs, margins, pairCounts }: PairEstimate): Float64Array => {
  const { offsets } = pairs.layout
  const shares = pairCounts.slice()
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const { i, j, rows, columns, at } = pairShape(pairs, pair)
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        const ofRow = (margins[offsets[i]! + r]! - 1 / rows) / columns
        const cell = at + r * columns + c
        shares[cell] = shares[cell]! + ofRow + margins[offsets[j]! + c]! / rows
      }
  }
  return shares
}
