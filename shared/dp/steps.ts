import { CodedError } from '../errors.ts'
import type { Query } from './query.ts'

/** Steps are numbered through the whole plan: the first query's steps, then the next one's. */
export const totalSteps = (queries: readonly Query[]): number => queries.reduce((sum, query) => sum + query.steps, 0)

/**
 * Numbers that the attempts of one step may have. Attempts that end before their broadcast cost nothing and are not counted
 * against the plan, so there are more numbers than paid attempts; the ledgers hold what is paid.
 */
export const attemptNumbers = ({ attempts }: Query): number => attempts + 32

/** Which query a step belongs to, and its place within it. Throws `ROUND_REFUSED` for a step the plan does not have. */
export function queryOfStep(queries: readonly Query[], step: number): { query: number; within: number } {
  let first = 0
  for (const [query, { steps }] of queries.entries()) {
    if (step >= first && step < first + steps) return { query, within: step - first }
    first += steps
  }
  throw new CodedError('ROUND_REFUSED', `the plan has no step ${step}`)
}
