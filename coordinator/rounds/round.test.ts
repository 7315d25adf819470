import { roundId, siteId } from '@tributary/shared/ids'
import type { Digest } from '@tributary/shared/ids'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isClosed, openRound, type RoundEvent, type RoundState, type RoundTerms, step } from './round.ts'

const sites = ['east', 'north', 'south', 'west', 'zeta'].map(siteId)
const terms: RoundTerms = {
  sites,
  awaited: sites,
  least: 4,
  threshold: 3,
  dealMs: 100,
  contributeMs: 100,
  answerMs: 100,
  graceMs: 10,
}
const model = 'a'.repeat(64) as Digest
const fresh = () => openRound({ round: roundId('b'.repeat(64)), query: 1, step: 3, attempt: 0 }, terms, 0)

const play = (events: readonly (readonly [RoundEvent, number])[], from = fresh(), under = terms) => {
  let state = from
  const effects: string[] = []
  for (const [event, now] of events) {
    const result = step(state, event, under, now)
    state = result.state
    effects.push(...result.effects.map((effect) => effect.type))
  }
  return { state, effects }
}

const all = (type: 'dealt' | 'contributed' | 'answered', who = sites, now = 1) =>
  who.map((site) => [{ type, site }, now] as const)

describe('round', () => {
  it('runs from dealing to opened when every site does its part', () => {
    const { state, effects } = play([
      [{ type: 'model', model }, 0],
      ...all('dealt'),
      ...all('contributed'),
      [{ type: 'announced' }, 2],
      ...all('answered'),
      [{ type: 'opened' }, 3],
    ])
    expect(effects).toEqual(['broadcast', 'announce', 'open', 'closed'])
    expect(state).toMatchObject({ phase: 'opened', contributors: sites })
  })

  it('waits in dealing for a late site past the deadline while fewer than the least have dealt', () => {
    const three = play([[{ type: 'model', model }, 0], ...all('dealt', sites.slice(0, 3)), [{ type: 'tick' }, 10_000]])
    expect(three.state.phase).toBe('dealing')
    const four = play([...all('dealt', sites.slice(3, 4), 10_001)], three.state)
    expect(four.state).toMatchObject({ phase: 'contributing', dealers: sites.slice(0, 4) })
  })

  it('leaves a lost site out after the deadline if the minimum allows', () => {
    const { state } = play([
      [{ type: 'model', model }, 0],
      ...all('dealt'),
      ...all('contributed', sites.slice(0, 4)),
      [{ type: 'tick' }, 102],
    ])
    expect(state).toMatchObject({ phase: 'announcing', contributors: sites.slice(0, 4) })
  })

  it('aborts at once, without waiting for the deadline, when too many withdraw', () => {
    const { state, effects } = play([
      [{ type: 'model', model }, 0],
      ...all('dealt'),
      [{ type: 'withdrew', site: sites[0] as (typeof sites)[0] }, 2],
      [{ type: 'withdrew', site: sites[1] as (typeof sites)[0] }, 2],
    ])
    expect(state.phase).toBe('aborted')
    expect(effects).toEqual(['broadcast', 'closed'])
  })

  it('opens with the threshold of answers only after the grace period', () => {
    const answering = play([
      [{ type: 'model', model }, 0],
      ...all('dealt'),
      ...all('contributed'),
      [{ type: 'announced' }, 2],
      ...all('answered', sites.slice(0, 3), 3),
    ])
    expect(answering.state.phase).toBe('answering')
    expect(play([[{ type: 'tick' }, 12]], answering.state).state.phase).toBe('answering')
    expect(play([[{ type: 'tick' }, 13]], answering.state).state.phase).toBe('opening')
  })

  const event: fc.Arbitrary<RoundEvent> = fc.oneof(
    fc.record({
      type: fc.constantFrom('dealt', 'withdrew', 'contributed', 'answered'),
      site: fc.constantFrom(...sites),
    }),
    fc.constantFrom<RoundEvent>({ type: 'model', model }, { type: 'announced' }, { type: 'opened' }, { type: 'tick' }),
  ) as fc.Arbitrary<RoundEvent>

  it('R4, R7: U never changes once named, is never below the least, and every opened round had t answers', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.nat(60)), { maxLength: 80 }), (script) => {
        let state: RoundState = fresh()
        let now = 0
        let named: readonly string[] | null = null
        for (const [next, wait] of script) {
          now += wait
          const before = state
          state = step(state, next, terms, now).state
          if (isClosed(before)) expect(state).toBe(before)
          if (['announcing', 'answering', 'opening', 'opened'].includes(state.phase)) {
            named ??= state.contributors
            expect(state.contributors).toEqual(named)
            expect(state.contributors.length).toBeGreaterThanOrEqual(terms.least)
            for (const site of state.contributors) expect(state.withdrawn).not.toContain(site)
          }
          if (['opening', 'opened'].includes(state.phase))
            expect(state.answered.length).toBeGreaterThanOrEqual(terms.threshold)
        }
      }),
      { numRuns: 500 },
    )
  })
})
