/** Public choices of the autoregressive synthesizer, frozen in the study plan. */
export interface AutoregressiveSettings {
  /** Hidden units, shared out over the columns in turn. */
  readonly hidden: number
  /** Adam's rate over the first half of the steps; it then falls linearly to zero. */
  readonly learningRate: number
  /** The released weights are the mean over this last share of the steps, in [0, 1]. */
  readonly averagedShare: number
  /** Share of the budget, in zCDP, that buys the noisy 1-way marginals. */
  readonly marginalShare: number
}

export const defaultSettings: AutoregressiveSettings = {
  hidden: 192,
  learningRate: 0.01,
  averagedShare: 0.5,
  marginalShare: 0.1,
}
