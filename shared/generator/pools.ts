import { squaredCopies } from '../synthesizers/resample.ts'
import { poolRows } from './sample.ts'

/** A pool of weighted rows is small enough for memory, large enough for its weights to add up to their mean. */
const mostPool = 65_536
const leastPool = 4096
const drawsTried = [1.25, 1.5, 2, 3, 4, 6]
const mostDraws = 8

/** The fewest draws a row, of those tried, with which resampling hardly repeats a row. */
export const drawsFor = (weights: Float64Array): number =>
  drawsTried.find((draws) => {
    const kept = Math.floor(weights.length / draws)
    return (kept * kept) / squaredCopies(weights, weights.length, kept) > 0.999 * kept
  }) ?? mostDraws

/** Rows of one pool: numbers `first` on are drawn, and `kept` of them chosen. */
export interface Pool {
  readonly first: number
  readonly drawn: number
  readonly kept: number
}

/** How a cohort is divided into pools, `draws` rows to choose each row from. */
export const poolsFor = (draws: number, isEven: boolean) => {
  const full = Math.min(poolRows, Math.floor(mostPool / draws))
  return (rows: number): Pool[] =>
    Array.from({ length: Math.ceil(rows / full) }, (_, pool) => {
      const kept = Math.min(full, rows - pool * full)
      return { first: pool * mostPool, drawn: isEven ? kept : Math.max(leastPool, Math.ceil(draws * kept)), kept }
    })
}
