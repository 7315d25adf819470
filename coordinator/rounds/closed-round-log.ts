import type { TrainingHealth } from '@tributary/shared/synthesizers/family'
import type { RoundState } from './round.ts'
import type { StudyRunParts } from './study-run-parts.ts'

/** A line for every closed round, with what the training says of itself, and a warning when that turns from sound to not. */
export const logClosedRound = (
  log: StudyRunParts['log'],
  { round, step, attempt, phase, contributors, reason }: RoundState,
  before: TrainingHealth | undefined,
  now: TrainingHealth | null,
): void => {
  const health = now?.words
  log.info(
    { round, step, attempt, phase, contributors, reason, ...(health !== undefined && { health }) },
    'round closed',
  )
  if (now?.isSound === false && before?.isSound !== false) log.warn({ round, health }, 'the training goes wrong')
}
