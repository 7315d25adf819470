import type { Query } from '@tributary/shared/dp/query'
import { attemptNumbers, queryOfStep, totalSteps } from '@tributary/shared/dp/steps'
import type { StudyId } from '@tributary/shared/ids'
import type { RoundState } from './round.ts'

/**
 * Where a study's run stands: which attempt of which step is due, and how many attempts each query has used. Pure.
 * Every attempt that was broadcast counts, opened or not (R6); a query that cannot finish its steps with the attempts left
 * stops the study, and so does a step whose next attempt the plan has no number for.
 */
export interface RunState {
  readonly study: StudyId
  readonly outcome: 'waiting' | 'running' | 'completed' | 'stopped'
  readonly reason: string | null
  readonly step: number
  readonly attempt: number
  readonly attempts: readonly number[]
}

export const waitingRun = (study: StudyId, queries: readonly Query[]): RunState => ({
  study,
  outcome: 'waiting',
  reason: null,
  step: 0,
  attempt: 0,
  attempts: queries.map(() => 0),
})

/** The run ended from outside, for good; an attempt that was broadcast stays counted (R6). `round`: the one that was open. */
export const afterStop = (run: RunState, round: RoundState | null, reason: string): RunState => ({
  ...run,
  outcome: 'stopped',
  reason,
  attempts: countedAttempts(run, round),
})

const countedAttempts = (run: RunState, round: RoundState | null): readonly number[] =>
  run.attempts.map((used, query) => used + (query === round?.query && round.broadcast ? 1 : 0))

/** The run after its round has closed. `round` must be the run's current step and attempt. */
export function afterRound(run: RunState, round: RoundState, queries: readonly Query[]): RunState {
  const attempts = countedAttempts(run, round)
  if (round.phase === 'opened') {
    const step = run.step + 1
    return { ...run, attempts, step, attempt: 0, outcome: step === totalSteps(queries) ? 'completed' : 'running' }
  }
  const { query, within } = queryOfStep(queries, run.step)
  const { steps, attempts: reserved } = queries[query] as Query
  const attempt = run.attempt + 1
  // Attempts which never got to a broadcast cost nothing, but they run out as well.
  if ((attempts[query] as number) + steps - within > reserved || attempt >= attemptNumbers(queries[query] as Query)) {
    return { ...run, attempts, outcome: 'stopped', reason: `ATTEMPTS_EXHAUSTED: ${round.reason ?? 'aborted'}` }
  }
  return { ...run, attempts, attempt }
}
