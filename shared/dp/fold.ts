import type { Grid } from './query.ts'

/**
 * The fold: after the noise, a site sends floor((fine + F / 2) / F) with F = 2^foldBits, its noised integer on a grid F times
 * coarser. Noise and rounding are on the fine grid, where the slack is small; only the slots see the coarse one. Folding is
 * not clipping: it never looks at the size of a value, and the sum of folded integers is post-processing of the fine noised sum
 * (the folding lemma, docs/privacy.md) as long as a folded share stays `leastFoldedShare` wire steps wide.
 */

/** Fewest steps of what is sent in one site's noise share (R13); the folding lemma's error is then below 2^-50000. */
export const leastFoldedShare = 64

/** Largest |fine integer|: sums of it and its half steps stay exact in doubles. */
export const largestMagnitude = 2 ** 52 - 1

/** Most bits that noise of `shareSteps` fine steps can be folded by. */
export const deepestFold = (shareSteps: number): number =>
  Math.max(0, Math.floor(Math.log2(shareSteps / leastFoldedShare)))

/** What one integer of a contribution, or of their sum, is worth in the units of the vector. */
export const wireStepOf = ({ step, foldBits }: Pick<Grid, 'step' | 'foldBits'>): number => step * 2 ** foldBits

/** Standard deviation of one site's noise share in wire steps, the fold's own error of 1/12 of a step squared left out. */
export const foldedShareOf = ({ shareSteps, foldBits }: Pick<Grid, 'shareSteps' | 'foldBits'>): number =>
  shareSteps / 2 ** foldBits

/** Largest |integer| that a site sends: what clamp + noiseBound folds to. */
export const wireBoundOf = ({ clamp, noiseBound, foldBits }: Pick<Grid, 'clamp' | 'noiseBound' | 'foldBits'>): number =>
  Math.floor((clamp + noiseBound) / 2 ** foldBits + 0.5)
