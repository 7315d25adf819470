import { squaredCopies } from '../resample.ts'
import { poolRows } from './sample.ts'
import { rakingOf } from './tilted-model.ts'
import type { ReleasedModel } from './training-state.ts'

/** What an unconditional cohort of `rows` rows is worth, judged by one pool of the model. */
export interface SampleWorth {
  /** Rows drawn from the model, those that raking left out included. */
  readonly draws: number
  /** Rows that are not repeated (Kish 1965). */
  readonly effectiveRows: number
  /** Largest raking weight over the mean. */
  readonly largestWeight: number
}

export const sampleWorth = (model: ReleasedModel, rows: number): SampleWorth => {
  const raking = rakingOf(model)
  if (raking === null) return { draws: rows, effectiveRows: rows, largestWeight: 1 }
  const { weights } = raking
  const pools = Math.ceil(rows / poolRows)
  const last = rows - (pools - 1) * poolRows
  const copies = (pools - 1) * squaredCopies(weights, poolRows, poolRows) + squaredCopies(weights, poolRows, last)
  const mean = weights.reduce((a, b) => a + b, 0) / weights.length
  return {
    draws: pools * poolRows,
    effectiveRows: Math.min(rows, (rows * rows) / copies),
    largestWeight: weights.reduce((a, b) => Math.max(a, b), 0) / mean,
  }
}
