import type { TrainingHealth } from '@tributary/shared/synthesizers/family'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { logClosedRound } from './closed-round-log.ts'
import type { RoundState } from './round.ts'

const round = { round: 'r1', step: 4, attempt: 1, phase: 'opened', contributors: ['north'], reason: null }
const sound: TrainingHealth = { isSound: true, words: 'no mode collapse' }
const unsound: TrainingHealth = { isSound: false, words: 'MODE COLLAPSE in sex' }

const linesOf = (before: TrainingHealth | undefined, now: TrainingHealth | null) => {
  const lines: Record<string, unknown>[] = []
  const log = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) })
  logClosedRound(log, round as unknown as RoundState, before, now)
  return lines.map(({ time: _time, ...line }) => line)
}

describe('the log of a closed round', () => {
  it('says who contributed, and how the training goes where the family says so', () => {
    expect(linesOf(undefined, null)).toEqual([{ level: 30, ...round, msg: 'round closed' }])
    expect(linesOf(sound, sound)).toEqual([{ level: 30, ...round, health: sound.words, msg: 'round closed' }])
  })

  it('warns once, when a training turns bad', () => {
    const warning = { level: 40, round: 'r1', health: unsound.words, msg: 'the training goes wrong' }
    expect(linesOf(sound, unsound)[1]).toEqual(warning)
    expect(linesOf(undefined, unsound)[1]).toEqual(warning)
    expect(linesOf(unsound, unsound)).toHaveLength(1)
    expect(linesOf(unsound, sound)).toHaveLength(1)
  })
})
