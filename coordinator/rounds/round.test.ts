import { roundId, type SiteId, siteId } from '@tributary/shared/ids'
import type { Digest } from '@tributary/shared/ids'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isClosed, openRound, pendingEffect, type RoundEvent, type RoundState, type RoundTerms, step } from './round.ts'
import { missed } from './round-absence.ts'

const sites = ['east', 'north', 'south', 'west', 'zeta'].map(siteId)
const terms: RoundTerms = {
  sites,
  holders: sites,
  awaited: sites,
  barred: [],
  distrusted: [],
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

  describe('R24 checking', () => {
    const dealt = () => play([[{ type: 'model', model }, 0], ...all('dealt')]).state

    it('begins when all have dealt, and broadcasts nothing before every deal was sifted', () => {
      const { state, effects } = play(all('checked'), dealt())
      expect(state).toMatchObject({ phase: 'sifting', broadcast: false, checked: sites })
      expect(effects).toEqual(['sift'])
      const next = play([sifted()], state)
      expect(next.state).toMatchObject({ phase: 'contributing', broadcast: true, dealers: sites, disputed: [] })
      expect(next.effects).toEqual(['broadcast'])
    })

    it('is repeated after a restart where it was not stored what it found', () => {
      const sifting = play(all('checked'), dealt()).state
      expect(pendingEffect(sifting)).toEqual({ type: 'sift' })
      expect(play([[{ type: 'resumed' }, 9_000]], sifting).state).toEqual(sifting)
    })

    it('takes a disputed deal out of this attempt alone; too few left end it before anybody is charged', () => {
      const sifting = play(all('checked'), dealt()).state
      const one = play([sifted(sites.slice(0, 1)), ...all('contributed')], sifting)
      expect(one.state).toMatchObject({ phase: 'announcing', dealers: sites.slice(1), contributors: sites.slice(1) })
      expect(one.state.disputed).toEqual(sites.slice(0, 1))
      const two = play([sifted(sites.slice(0, 2))], sifting)
      expect(two.state).toMatchObject({ phase: 'aborted', broadcast: false })
      expect(two.state.reason).toBe('east, north dealt shares that disagree: 3 sites are left where 4 are needed')
      expect(openRound({ round: one.state.round, query: 1, step: 3, attempt: 1 }, terms, 0).disputed).toEqual([])
    })

    it('a step dealt ahead is checked, sifted and ready before its model is known, and waits for nothing else', () => {
      const { state, effects } = play(prepared())
      expect(state).toMatchObject({ phase: 'ready', model: null, broadcast: false })
      expect(effects).toEqual(['sift'])
      expect(play([[{ type: 'tick' }, 1_000_000]], state).state).toBe(state)
      const late = play([[{ type: 'model', model }, 1_000_000]], state)
      expect(late.state).toMatchObject({ phase: 'contributing', deadline: 1_000_100 })
    })

    it('whoever withdraws, or may not take part any more, before the model is known is not among the dealers', () => {
      const { state } = play(prepared())
      const withdrew = play(
        [
          [{ type: 'withdrew', site: sites[0] as SiteId }, 2],
          [{ type: 'model', model }, 3],
        ],
        state,
      )
      expect(withdrew.state).toMatchObject({ phase: 'contributing', dealers: sites.slice(1) })
      const barred = { ...terms, barred: sites.slice(0, 1), awaited: sites.slice(1) }
      expect(play([[{ type: 'model', model }, 3]], state, barred).state.dealers).toEqual(sites.slice(1))
      const gone = { ...terms, barred: sites.slice(0, 2), awaited: sites.slice(2) }
      expect(play([[{ type: 'tick' }, 3]], state, gone).state).toMatchObject({ phase: 'aborted', broadcast: false })
    })

    it('ends at its deadline with t checks, and ends the attempt, uncharged, with fewer', () => {
      const three = play([...all('checked', sites.slice(0, 3)), [{ type: 'tick' }, 100]], dealt())
      expect(three.state.phase).toBe('checking')
      expect(missed(three.state, play([[{ type: 'tick' }, 101]], three.state).state, terms)).toEqual(sites.slice(3))
      expect(play([[{ type: 'tick' }, 101]], three.state).state.phase).toBe('sifting')
      const two = play([...all('checked', sites.slice(0, 2)), [{ type: 'tick' }, 101]], dealt())
      expect(two.state).toMatchObject({
        phase: 'aborted',
        broadcast: false,
        reason: 'south, west, zeta did not check the deals: 2 sites are left where 3 are needed',
      })
    })

    describe('where holders are not believed any more', () => {
      const [east, north] = sites as [SiteId, SiteId]
      const under = { ...terms, distrusted: [east] }

      it('waits for none of them and leaves their checks out, t others needed', () => {
        const others = play(all('checked', sites.slice(1)), dealt(), under).state
        expect(others).toMatchObject({ phase: 'sifting', distrusted: [east] })
        const few = play([...all('checked', sites.slice(0, 3)), [{ type: 'tick' }, 101]], dealt(), under)
        expect(few.state).toMatchObject({ phase: 'aborted', broadcast: false })
        expect(few.state.reason).toBe(
          'east signed what is not so of earlier deals (study disputes); west, zeta did not check the deals: 2 sites are left where 3 are needed',
        )
      })

      it('they are not taken for absent', () => {
        const before = play(all('checked', sites.slice(1, 4)), dealt(), under).state
        const after = play([[{ type: 'tick' }, 101]], before, under).state
        expect(after.phase).toBe('sifting')
        expect(missed(before, after, under)).toEqual(sites.slice(4))
      })

      it('whom a sift leaves out is fixed when it begins: it deals, contributes and answers, also named later', () => {
        const sifting = play(all('checked', sites.slice(1)), dealt(), under).state
        const later = { ...terms, distrusted: [east, north] }
        const { state } = play(
          [sifted(), ...all('contributed'), [{ type: 'announced' }, 2], ...all('answered')],
          sifting,
          later,
        )
        expect(state).toMatchObject({ phase: 'opening', distrusted: [east], contributors: sites, answered: sites })
      })

      it('an attempt with fewer than t others ends at once, uncharged, naming them', () => {
        const { state } = play([[{ type: 'tick' }, 3]], dealt(), { ...terms, distrusted: sites.slice(0, 3) })
        expect(state).toMatchObject({ phase: 'aborted', broadcast: false })
        expect(state.reason).toContain('east, north, south signed what is not so of earlier deals')
      })

      it('deals are not sifted while that is not known, past the deadline either; too few checks end it all the same', () => {
        const unknown = { ...terms, distrusted: 'undecided' as const }
        const held = play([...all('checked'), [{ type: 'tick' }, 9_000]], dealt(), unknown).state
        expect(held).toMatchObject({ phase: 'checking', checked: sites })
        expect(play([[{ type: 'tick' }, 9_001]], held, under).state).toMatchObject({
          phase: 'sifting',
          distrusted: [east],
        })
        const two = [...all('checked', sites.slice(0, 2)), [{ type: 'tick' }, 101] as const]
        expect(play(two, dealt(), unknown).state.phase).toBe('aborted')
      })
    })

    it('a restart gives the holders the time anew', () => {
      const resumed = play([[{ type: 'resumed' }, 5_000]], dealt()).state
      expect(resumed).toMatchObject({ phase: 'checking', deadline: 5_100 })
    })
  })

  describe('R7 with a committee', () => {
    const committee = { ...terms, holders: sites.slice(0, 3), threshold: 2 }
    const begun = openRound({ round: roundId('b'.repeat(64)), query: 1, step: 3, attempt: 0 }, committee, 0)

    it('only holders check and answer, and nobody else is waited for', () => {
      const dealt = play([[{ type: 'model', model }, 0], ...all('dealt')], begun, committee).state
      expect(play(all('checked', sites.slice(3)), dealt, committee).state.checked).toEqual([])
      const answering = play(
        [...all('checked', sites.slice(0, 3)), sifted(), ...all('contributed'), [{ type: 'announced' }, 2]],
        dealt,
        committee,
      ).state
      expect(play(all('answered', sites.slice(3), 3), answering, committee).state.answered).toEqual([])
      expect(play(all('answered', sites.slice(0, 3), 3), answering, committee).state.phase).toBe('opening')
    })

    it('dealing waits for as long as fewer than t holders are there, whoever else has dealt', () => {
      const without = [sites[0], ...sites.slice(3)] as SiteId[]
      const least = { ...committee, least: 3 }
      const { state } = play([...all('dealt', without), [{ type: 'tick' }, 10_000]], begun, least)
      expect(state.phase).toBe('dealing')
      expect(play(all('dealt', sites.slice(1, 2), 10_001), state, least).state.phase).toBe('checking')
    })

    it('an attempt whose holders brought too few box keys is over at the deadline, naming them', () => {
      const unkeyed = openRound(begun, { ...committee, holders: sites.slice(0, 1) }, 0)
      const { state } = play([...all('dealt'), [{ type: 'tick' }, 100]], unkeyed, committee)
      expect(state).toMatchObject({ phase: 'aborted', broadcast: false })
      expect(state.reason).toContain('north, south brought no box keys in time')
    })
  })

  const event: fc.Arbitrary<RoundEvent> = fc.oneof(
    fc.record({
      type: fc.constantFrom('dealt', 'withdrew', 'checked', 'contributed', 'answered'),
      site: fc.constantFrom(...sites),
    }),
    fc.record({ type: fc.constant('sifted' as const), disputed: fc.subarray(sites, { maxLength: 1 }) }),
    fc.constantFrom<RoundEvent>({ type: 'model', model }, { type: 'announced' }, { type: 'opened' }, { type: 'tick' }),
  ) as fc.Arbitrary<RoundEvent>

  /** Where a random script begins: it seldom gets far by itself. */
  const from = fc.constantFrom(
    fresh(),
    play(all('dealt')).state,
    play([...all('dealt'), ...all('checked')]).state,
    play([[{ type: 'model', model }, 0], ...prepared()]).state,
  )

  it('R4, R7, R24: U never changes once named, has no disputed dealer, is never below the least, and every opened round had t answers', () => {
    fc.assert(
      fc.property(from, fc.array(fc.tuple(event, fc.nat(60)), { maxLength: 80 }), (begun, script) => {
        let state: RoundState = begun
        let now = 0
        let named: readonly string[] | null = null
        for (const [next, wait] of script) {
          now += wait
          const before = state
          state = step(state, next, terms, now).state
          if (isClosed(before)) expect(state).toBe(before)
          if (['sifting', 'ready', 'contributing'].includes(state.phase) && before.phase === 'checking')
            expect(state.checked.length).toBeGreaterThanOrEqual(terms.threshold)
          for (const site of state.contributors) expect(state.disputed).not.toContain(site)
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
