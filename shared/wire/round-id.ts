import { type RoundId, roundId, type StudyId } from '../ids.ts'
import { count } from '../units.ts'
import { hashCanonical } from './canonical.ts'

/**
 * The identity of one attempt at one step of one study (R2). Share boxes, public polynomials, contributions and answers carry
 * it, so nothing made for one attempt serves another. `step` and `attempt` count from 0; throws `UNIT_OUT_OF_RANGE` otherwise.
 */
export const roundIdOf = (study: StudyId, step: number, attempt: number): RoundId =>
  roundId(hashCanonical('round', [study, count('step', step), count('attempt', attempt)]))
