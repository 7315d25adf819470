import { counterRandom } from '../synthesizers/counter-random.ts'
import { rake } from '../synthesizers/rake.ts'
import { squaredCopies } from '../synthesizers/resample.ts'
import { poolRows } from './sample.ts'
import type { Generator } from './generator.ts'

/** What an unconditional cohort of `rows` rows is worth, judged by one pool of the model. */
export interface SampleWorth {
  /** Rows drawn from the model, those that raking left out included. */
  readonly draws: number
  /** Rows that are not repeated (Kish 1965). */
  readonly effectiveRows: number
  /** Largest raking weight over the mean. */
  readonly largestWeight: number
}

/** Fixed: what a pool is worth is a function of the model alone. */
const trialSeed = 0
const trialStream = 4

const trials = new WeakMap<Generator, Float64Array>()

export const sampleWorth = (model: Generator, rows: number): SampleWorth => {
  const weights = trialWeights(model)
  if (weights === null) return { draws: rows, effectiveRows: rows, largestWeight: 1 }
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

/** What raking makes the rows of a pool weigh. Null without marginals. */
const trialWeights = (model: Generator): Float64Array | null => {
  const { marginals, layout } = model
  if (marginals === null) return null
  const known = trials.get(model)
  if (known !== undefined) return known
  const cells = model.drawRows(counterRandom(trialSeed, trialStream), 0, poolRows)
  const { weights } = rake(layout, marginals, cells, poolRows)
  trials.set(model, weights)
  return weights
}
