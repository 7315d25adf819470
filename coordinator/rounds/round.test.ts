import { roundId, type SiteId, siteId } from '@tributary/shared/ids'
import type { Digest } from '@tributary/shared/ids'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isClosed, openRound, type RoundEvent, type RoundState, type RoundTerms, step } from './round.ts'
import { missed } from './round-absence.ts'

const sites = ['east', 'north', 'south', 'west', 'zeta'].map(siteId)
const terms: RoundTerms = {
  sites,
  holders: sites,
  awaited: sites,
  barred: [],
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

const all = (type: 'dealt' | 'checked' | 'contributed' | 'answered', who = sites, now = 1) =>
  who.map((site) => [{ type, site }, now] as const)
const sifted = (disputed: readonly SiteId[] = [], now = 1) => [{ type: 'sifted', disputed }, now] as const
/** Dealt, checked and sifted by these. */
const prepared = (who = sites) => [...all('dealt', who), ...all('checked', who), sifted()]

describe('round', () => {
  it('runs from dealing to opened when every site does its part', () => {
    const { state, effects } = play([
      [{ type: 'model', model }, 0],
      ...prepared(),
      ...all('contributed'),
      [{ type: 'announced' }, 2],
      ...all('answered'),
      [{ type: 'opened' }, 3],
    ])
    expect(effects).toEqual(['sift', 'broadcast', 'announce', 'open', 'closed'])
    expect(state).toMatchObject({ phase: 'opened', contributors: sites })
  })

  it('waits in dealing for a late site past the deadline while fewer than the least have dealt', () => {
    const three = play([[{ type: 'model', model }, 0], ...all('dealt', sites.slice(0, 3)), [{ type: 'tick' }, 10_000]])
    expect(three.state.phase).toBe('dealing')
    const four = play([...all('dealt', sites.slice(3, 4), 10_001)], three.state)
    expect(four.state).toMatchObject({ phase: 'checking', dealers: sites.slice(0, 4) })
  })

  it('does not wait past the deadline for the silent alone where somebody withdrew, who may be back in another attempt', () => {
    const [east, north, south, west] = sites
    const withdrew = east === undefined ? [] : [[{ type: 'withdrew', site: east }, 1] as const]
    const { state } = play([...all('dealt', sites.slice(1, 4)), ...withdrew, [{ type: 'tick' }, 10_000]])
    expect([north, south, west].every((site) => site !== undefined && state.dealers.includes(site))).toBe(true)
    expect(state).toMatchObject({
      phase: 'aborted',
      broadcast: false,
      reason: 'east withdrew; zeta did not deal: 3 sites are left where 4 are needed',
    })
  })

  it('leaves a lost site out after the deadline if the minimum allows', () => {
    const { state } = play([
      [{ type: 'model', model }, 0],
      ...prepared(),
      ...all('contributed', sites.slice(0, 4)),
      [{ type: 'tick' }, 102],
    ])
    expect(state).toMatchObject({ phase: 'announcing', contributors: sites.slice(0, 4) })
  })

  it('aborts at once, without waiting for the deadline, when too many withdraw', () => {
    const { state, effects } = play([
      [{ type: 'model', model }, 0],
      ...prepared(),
      [{ type: 'withdrew', site: sites[0] as (typeof sites)[0] }, 2],
      [{ type: 'withdrew', site: sites[1] as (typeof sites)[0] }, 2],
    ])
    expect(state.phase).toBe('aborted')
    expect(effects).toEqual(['sift', 'broadcast', 'closed'])
  })

  it('opens with the threshold of answers only after the grace period', () => {
    const answering = play([
      [{ type: 'model', model }, 0],
      ...prepared(),
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
      type: fc.constantFrom('dealt', 'withdrew', 'checked', 'contributed', 'answered'),
      site: fc.constantFrom(...sites),
    }),
    fc.record({ type: fc.constant('sifted' as const), disputed: fc.subarray(sites, { maxLength: 1 }) }),
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

  it('a site that was barred is not counted from then on, whatever else happens; a round never waits for it alone', () => {
    const barring = fc.record({ type: fc.constant('barred' as const), barred: fc.subarray(sites, { maxLength: 2 }) })
    const contributing = play([[{ type: 'model', model }, 0], ...prepared()]).state
    const answering = play([...all('contributed'), [{ type: 'announced' }, 1]], contributing).state
    const script = fc.array(fc.tuple(fc.oneof({ weight: 9, arbitrary: event }, barring), fc.nat(5)), {
      maxLength: 40,
      size: 'max',
    })
    fc.assert(
      fc.property(fc.constantFrom(fresh(), contributing, answering), script, (from, events) => {
        let state: RoundState = from
        let under = terms
        let now = 1
        for (const [next, wait] of events) {
          now += wait
          const before = state
          if (next.type === 'barred') {
            const { barred } = next
            under = { ...terms, barred, awaited: sites.filter((site) => !barred.includes(site)) }
            state = step(state, { type: 'tick' }, under, now).state
          } else {
            state = step(state, next, under, now).state
          }
          for (const site of under.barred) {
            if (!before.contributors.includes(site)) expect(state.contributors).not.toContain(site)
            if (!before.answered.includes(site)) expect(state.answered).not.toContain(site)
            if (before.phase !== 'contributing' && state.phase === 'contributing')
              expect(state.dealers).not.toContain(site)
            if (before.phase === 'dealing' && state.phase === 'checking') expect(state.dealers).not.toContain(site)
          }
          if (state.phase === 'contributing') {
            const waited = state.dealers.filter((site) => ![...state.contributors, ...state.withdrawn].includes(site))
            expect(waited.some((site) => !under.barred.includes(site))).toBe(true)
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})
