/** Mean, least and most of some runs. */
export interface MeanRange {
  readonly mean: number
  readonly least: number
  readonly most: number
}

export const meanRange = (values: readonly number[]): MeanRange => ({
  mean: values.reduce((sum, value) => sum + value, 0) / values.length,
  least: Math.min(...values),
  most: Math.max(...values),
})

export const meanRangeText = ({ mean, least, most }: MeanRange): string =>
  `${mean.toFixed(4)} (${least.toFixed(4)} to ${most.toFixed(4)})`
