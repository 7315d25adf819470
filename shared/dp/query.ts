import type { ClipNorm, NoiseMultiplier, SamplingRate } from '../units.ts'

/**
 * How a query's real-valued sum becomes integers: rounded, saturated and noised on a fine grid, then folded to the coarser wire
 * grid of 2^foldBits fine steps (see fold.ts). Public; part of the frozen plan.
 */
export interface Grid {
  /** Size of one fine step in the units of the vector (gamma). */
  readonly step: number
  /** Standard deviation of one site's noise share in fine steps; names the sampler's table. */
  readonly shareSteps: number
  /** |Z| <= noiseBound by the sampler's support, in fine steps. */
  readonly noiseBound: number
  /** The site's rounded sum saturates to [-clamp, clamp] fine steps before noise (R12). */
  readonly clamp: number
  /** A noised integer is folded by 2^foldBits before it is sent; 0: sent as it is. */
  readonly foldBits: number
  /** Values packed into one ring coefficient. */
  readonly valuesPerCoefficient: 1 | 2 | 3
  /** Bits of one slot; n sites of at most 2 wireBound + 1 each never overflow it. */
  readonly slotBits: number
  /** Bits the message is shifted up in a coefficient: 2^scaleBits > 2 (21 n), the sum of encryption errors. */
  readonly scaleBits: number
}

/**
 * marginals: one-hot rows, pairs: products of one-hot rows, both the mean over a unit's rows, as `scores` is; gradient: one row of
 * each sampled unit, clipped.
 */
export type QueryKind = 'marginals' | 'pairs' | 'gradient' | 'scores'

/**
 * One kind of release: `attempts` times, over a Poisson sample at `samplingRate`, the sum of one vector per unit with L2 norm
 * at most `clipNorm`, plus noise of standard deviation `noiseMultiplier * clipNorm` when `noiseShares` shares are counted.
 * Public facts only, frozen in the study plan. Neighbouring relation: add or remove one unit.
 */
export interface Query {
  readonly kind: QueryKind
  /** Length of the vector. */
  readonly dimension: number
  readonly clipNorm: ClipNorm
  readonly samplingRate: SamplingRate
  readonly noiseMultiplier: NoiseMultiplier
  /** The public constant that an estimate divides the sum by: never the drawn batch size. */
  readonly divisor: number
  /** Steps wanted. */
  readonly steps: number
  /** Attempts reserved in the ledger: steps and spares (R6). */
  readonly attempts: number
  readonly grid: Grid
}
