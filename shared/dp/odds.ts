import { CodedError } from '../errors.ts'

/**
 * What epsilon means to one person: an adversary who holds a fact about a unit with probability `prior` before a release holds
 * it with at most this probability afterwards, except with the probability delta. Bayes: e^epsilon p / (1 - p + e^epsilon p).
 * Epsilon 1 takes 0.5 to 0.731. Throws `UNIT_OUT_OF_RANGE` outside epsilon >= 0 and 0 <= prior <= 1.
 */
export const odds = (epsilon: number, prior: number): number => {
  if (!(epsilon >= 0)) throw new CodedError('UNIT_OUT_OF_RANGE', `epsilon must be at least 0, got ${epsilon}`)
  if (!(prior >= 0 && prior <= 1)) throw new CodedError('UNIT_OUT_OF_RANGE', `a prior must be in [0, 1], got ${prior}`)
  return prior === 0 ? 0 : prior / (prior + (1 - prior) * Math.exp(-epsilon))
}
