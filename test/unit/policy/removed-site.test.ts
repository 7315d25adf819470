import { CodedError } from '@tributary/shared/errors'
import { siteId } from '@tributary/shared/ids'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { forged } from '../../harness/forged-orders.ts'
import { InProcessFederation } from '../../harness/in-process-federation.ts'

let federation: InProcessFederation
beforeEach(async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
})
afterEach(() => federation.close())

const birch = siteId('birch')
const ash = () => federation.site('ash')
const sent = (kind: string) => federation.departed.filter((each) => each.site === 'ash' && each.kind === kind)

/** Birch says nothing of its boxes, so that a coordinator may go on with it. */
const contributingWithBirch = async (step = 0) => {
  await federation.reach('checking', step)
  for (let i = 0; i < 40 && federation.round.phase === 'checking'; i++) {
    await federation.turns(['ash', 'cedar', 'date'])
    await federation.advance(5_000)
  }
  expect(federation.round).toMatchObject({ step, phase: 'contributing' })
  expect(federation.round.dealers).toContain('birch')
}

describe('a site that the admin removed, with a coordinator that goes on with it (R1)', () => {
  it('nobody who knew it when dealing contributes with it, or answers for it, also after a restart', async () => {
    ash().removed = [birch]
    await contributingWithBirch()
    expect(await ash().turn()).toMatchObject({
      task: 'contribute',
      error: { code: 'ROUND_REFUSED', place: { field: 'dealers' }, message: expect.stringContaining('birch') },
    })
    expect([ash().charged().size, sent('contribution')]).toEqual([0, []])
    await ash().worker.leave()
    await federation.turns(['birch', 'cedar', 'date'])
    expect(federation.round.phase).toBe('answering')
    for (const isRestarted of [false, true]) {
      if (isRestarted) {
        ash().restart()
        // What it knew when it dealt is on its disk.
        ash().removed = []
      }
      expect(await ash().turn()).toMatchObject({
        task: 'answer',
        error: { code: 'ROUND_REFUSED', place: { field: 'contributors' }, message: expect.stringContaining('birch') },
      })
    }
    expect(sent('answer')).toEqual([])
  })

  it('gets no share that it could open', async () => {
    ash().removed = [birch]
    await federation.reach('checking')
    // The check fails on ash's deal alone: it threw birch's share away.
    await federation.turns(['birch', 'cedar', 'date', 'ash'])
    expect(federation.round.disputed).toEqual(['ash'])
  })

  it('is named once in the log, and no warning of missing box keys is about it', async () => {
    await contributingWithBirch()
    ash().removed = [birch]
    await contributingWithBirch(1)
    const told = ash().warnings.filter(({ removed }) => removed !== undefined)
    expect(told).toMatchObject([{ msg: 'removed from the roster, gets no share', removed: ['birch'] }])
    expect(ash().warnings.filter(({ msg }) => msg.includes('box keys'))).toEqual([])
  })

  it('and is left out: the round goes on without it', async () => {
    ash().removed = [birch]
    await contributingWithBirch()
    const broadcast = await forged(federation, 'ash', 'broadcast', ({ dealers }) => ({
      dealers: dealers.filter(({ site }) => site !== 'birch'),
    }))
    await ash().worker.perform({ kind: 'contribute', broadcast })
    expect(sent('contribution')).toHaveLength(1)
  })

  it('between two deals: in force at the next attempt, not in the one under way', async () => {
    await federation.reach('contributing')
    ash().removed = [birch]
    expect(await ash().turn()).toEqual({ task: 'contribute', error: null })
    await contributingWithBirch(1)
    expect(await ash().turn()).toMatchObject({ error: { code: 'ROUND_REFUSED', place: { field: 'dealers' } } })
  })
})

describe('a holder that did not deal in the attempt (R1)', () => {
  const othersUntil = async (phase: string) => {
    const isDue = () => federation.round.phase !== phase
    for (let i = 0; i < 60 && isDue(); i++) {
      await federation.turns(['birch', 'cedar', 'date'])
      if (isDue()) await federation.advance(5_000)
    }
  }
  /** Everybody but ash does what is due, until the set with birch in it is announced. */
  const announcedWithBirch = async () => {
    await othersUntil('answering')
    expect(federation.round).toMatchObject({ dealers: ['birch', 'cedar', 'date'], phase: 'answering' })
  }
  const refusedForBirch = {
    task: 'answer',
    error: { code: 'ROUND_REFUSED', place: { field: 'contributors' }, message: expect.stringContaining('birch') },
  }

  it('answers for no set with a site that it knows as removed when the set is announced, also after a restart', async () => {
    await announcedWithBirch()
    ash().removed = [birch]
    expect(await ash().turn()).toMatchObject(refusedForBirch)
    ash().restart()
    // What it knew when it first saw the set is on its disk.
    ash().removed = []
    expect(await ash().turn()).toMatchObject(refusedForBirch)
    expect(sent('answer')).toEqual([])
  })

  it('asks for the roster before it answers', async () => {
    await announcedWithBirch()
    ash().refreshRoster = async () => {
      ash().removed = [birch]
    }
    expect(await ash().turn()).toMatchObject(refusedForBirch)
  })

  it('and before it checks: a roster that is hidden afterwards changes nothing', async () => {
    await othersUntil('checking')
    ash().refreshRoster = async () => {
      ash().removed = [birch]
    }
    expect(await ash().turn()).toEqual({ task: 'check', error: null })
    ash().refreshRoster = () => Promise.reject(new CodedError('UNAVAILABLE', 'hidden'))
    await announcedWithBirch()
    expect(await ash().turn()).toMatchObject(refusedForBirch)
  })

  it('a hidden roster stops neither its check nor its answer; what it answered, it gives again', async () => {
    ash().refreshRoster = () => Promise.reject(new CodedError('ROSTER_REFUSED', 'not signed by the pinned admin'))
    await announcedWithBirch()
    const task = await ash().next()
    if (task.kind !== 'answer') throw new Error(`an answer is due, not ${task.kind}`)
    await ash().worker.perform(task)
    ash().removed = [birch]
    await ash().worker.perform(task)
    expect(sent('answer')).toMatchObject([{ times: 2 }])
  })
})

it('a site that was removed itself deals no more (R1)', async () => {
  ash().removed = [siteId('ash')]
  expect(await ash().turn()).toMatchObject({ task: 'deal', error: { code: 'ROUND_REFUSED' } })
  expect(sent('deal')).toEqual([])
})

it('a coordinator that hides the roster stops nobody: what was known before counts (R1)', async () => {
  ash().removed = [birch]
  ash().refreshRoster = () => Promise.reject(new CodedError('ROSTER_REFUSED', 'not signed by the pinned admin'))
  expect(await ash().turn()).toEqual({ task: 'deal', error: null })
  await contributingWithBirch()
  expect(await ash().turn()).toMatchObject({ error: { code: 'ROUND_REFUSED', place: { field: 'dealers' } } })
})
