import { drawNoise, noiseTable } from '@tributary/shared/dp/noise-table'
import type { Query } from '@tributary/shared/dp/query'
import { CodedError } from '@tributary/shared/errors'
import type { RandomStreams } from '@tributary/shared/ports'
import { type ClippedSum, isClippedSum } from '@tributary/shared/synthesizers/clipped-sum'
import { fold, roundToGrid, saturate } from './grid.ts'

const refuse = (why: string): never => {
  throw new CodedError('NOISE_REFUSED', why)
}

/**
 * The one way from a clipped sum to integers that may be sealed, in the order of R12: round to the fine grid, saturate, add this
 * site's noise share, fold to the wire's grid, and never clip again. Takes only what a synthesizer vouched for. `query.dimension`
 * wire steps, each within +-wireBound. Throws `NOISE_REFUSED` when the sum is no clipped sum, is more sensitive than the query's
 * noise was sized for, has another length, or the plan's bound is not its table's. Cost: one rounding and one noise draw a
 * coordinate.
 */
export const noisedIntegers = (clipped: ClippedSum, query: Query, streams: RandomStreams): Float64Array => {
  const { step, shareSteps, noiseBound, clamp, foldBits } = query.grid
  if (!isClippedSum(clipped)) refuse('noise is for a clipped sum alone')
  if (!(clipped.sensitivity <= query.clipNorm)) refuse('the sum is more sensitive than the plan allows')
  const { sum } = clipped
  if (sum.length !== query.dimension) refuse('the sum does not have the length of the plan')
  const table = noiseTable(shareSteps)
  if (table.noiseBound !== noiseBound) refuse(`noise of ${shareSteps} grid steps is bounded by ${table.noiseBound}`)
  const integers = roundToGrid(sum, step, streams('rounding'))
  saturate(integers, clamp)
  const noise = new Float64Array(integers.length)
  drawNoise(table, streams('noise'), noise)
  for (let i = 0; i < integers.length; i++) integers[i] = integers[i]! + noise[i]!
  noise.fill(0)
  fold(integers, foldBits)
  return integers
}
