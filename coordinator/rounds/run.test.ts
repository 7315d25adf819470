import { describe, expect, it } from 'vitest'
import type { Query } from '@tributary/shared/dp/query'
import { attemptNumbers } from '@tributary/shared/dp/steps'
import { roundId, siteId, studyId } from '@tributary/shared/ids'
import { openRound, type RoundState } from './round.ts'
import { afterRound, waitingRun } from './run.ts'

const query = (steps: number, attempts: number) => ({ steps, attempts }) as Query
const queries = [query(1, 2), query(2, 3)]
const start = { ...waitingRun(studyId('a'.repeat(64)), queries), outcome: 'running' as const }
const terms = {
  sites: [siteId('a')],
  holders: [siteId('a')],
  awaited: [siteId('a')],
  barred: [],
  distrusted: [],
  least: 1,
  threshold: 1,
  dealMs: 1,
  contributeMs: 1,
  answerMs: 1,
  graceMs: 0,
}
const round = (
  run: typeof start | ReturnType<typeof afterRound>,
  phase: RoundState['phase'],
  broadcast = true,
): RoundState => ({
  ...openRound(
    { round: roundId('b'.repeat(64)), query: run.step === 0 ? 0 : 1, step: run.step, attempt: run.attempt },
    terms,
    0,
  ),
  phase,
  broadcast,
})

describe('run', () => {
  it('completes when every step has opened', () => {
    let run = afterRound(start, round(start, 'opened'), queries)
    run = afterRound(run, round(run, 'opened'), queries)
    expect(run.outcome).toBe('running')
    run = afterRound(run, round(run, 'opened'), queries)
    expect(run).toMatchObject({ outcome: 'completed', attempts: [1, 2] })
  })

  it('R5, R6: an aborted attempt is followed by a new attempt of the same step and counts for ever', () => {
    const run = afterRound(start, round(start, 'aborted'), queries)
    expect(run).toMatchObject({ step: 0, attempt: 1, attempts: [1, 0], outcome: 'running' })
    const opened = afterRound(run, round(run, 'opened'), queries)
    expect(opened).toMatchObject({ step: 1, attempt: 0, attempts: [2, 0], outcome: 'running' })
  })

  it('R6: stops when the spares are used up, with steps still to do', () => {
    let run = afterRound(start, round(start, 'opened'), queries)
    run = afterRound(run, round(run, 'aborted'), queries)
    expect(run.outcome).toBe('running')
    run = afterRound(run, round(run, 'aborted'), queries)
    expect(run).toMatchObject({ outcome: 'stopped', attempts: [1, 2] })
  })

  it('does not count an attempt that was never broadcast', () => {
    const run = afterRound(start, round(start, 'aborted', false), queries)
    expect(run).toMatchObject({ attempt: 1, attempts: [0, 0], outcome: 'running' })
  })

  it('stops when the plan has no number for another attempt, although none was broadcast', () => {
    let run: typeof start | ReturnType<typeof afterRound> = start
    for (let number = 0; number < attemptNumbers(queries[0] as Query); number++) {
      expect(run.outcome).toBe('running')
      run = afterRound(run, round(run, 'aborted', false), queries)
    }
    expect(run).toMatchObject({ outcome: 'stopped', attempts: [0, 0] })
    expect(run.reason).toContain('ATTEMPTS_EXHAUSTED')
  })
})
