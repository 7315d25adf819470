import { roundIdOf } from '@tributary/shared/wire/round-id'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'

let federation: InProcessFederation
beforeEach(async () => {
  federation = await InProcessFederation.open({
    sites: 3,
    least: 3,
    steps: 1,
    spares: { marginals: 1, gradient: 2 },
  })
})
afterEach(() => federation.close())

const ash = () => federation.site('ash')
const contributions = () =>
  federation.departed.filter(({ site, kind }) => site === 'ash' && kind === 'contribution').length

it('everything that must be durable is so before it leaves (R3, R4, R6)', async () => {
  await federation.reach('dealing', 1)
  expect(ash().gate.trace.slice(0, 13)).toEqual([
    'outbox.storeDeal',
    'client.putDeal',
    'client.check',
    'outbox.begin',
    'execute',
    'counters.nextOwn',
    'ledger.charge',
    'outbox.store',
    'client.contribute',
    'outbox.acknowledge',
    'counters.observe',
    'answers.answer',
    'client.answer',
  ])
})

describe('nothing leaves a site', () => {
  it('whose ledger has no attempt left (R6)', async () => {
    // Both attempts reserved for the marginals are charged already, whatever the coordinator says.
    for (const attempt of [0, 1]) {
      const round = roundIdOf(federation.study, 1, attempt + 100)
      ash().ledger.charge({ study: federation.study, round, query: 0, step: 1, attempt: attempt + 100 })
    }
    await federation.reach('contributing')
    expect(await ash().turn()).toMatchObject({ task: 'contribute', error: { code: 'LEDGER_REFUSED' } })
    expect(contributions()).toBe(0)
    expect(ash().gate.trace).not.toContain('outbox.store')
  })

  it('whose study was revoked between two rounds', async () => {
    await federation.reach('contributing', 1)
    ash().ledger.revoke(federation.study)
    expect(await ash().turn()).toMatchObject({ task: 'contribute', error: { code: 'LEDGER_REFUSED' } })
    expect(contributions()).toBe(1)
    // Nor at the next try: what was begun and not sealed is out of the round.
    expect(await ash().turn()).toMatchObject({ error: null })
    expect(contributions()).toBe(1)
    expect(federation.departed.filter(({ kind }) => kind === 'withdrawal')).toHaveLength(1)
  })

  it('whose officer paused the study while its query ran: not charged either, and it withdraws', async () => {
    await federation.reach('contributing')
    const { execute } = ash()
    ash().execute = (query) => {
      ash().isApproved = false
      return execute(query)
    }
    expect(await ash().turn()).toMatchObject({ task: 'contribute', error: { code: 'ROUND_REFUSED' } })
    expect(ash().charged().size).toBe(0)
    expect(ash().gate.trace).not.toContain('outbox.store')
    expect(contributions()).toBe(0)
    expect(federation.departed.filter(({ kind }) => kind === 'withdrawal')).toHaveLength(1)
  })

  it('whose query failed: it is not charged either, and withdraws', async () => {
    await federation.reach('contributing')
    ash().execute = () => Promise.reject(new Error('no memory'))
    expect(await ash().turn()).toMatchObject({ error: { code: 'INTERNAL' } })
    expect(federation.departed.filter(({ kind }) => kind === 'withdrawal')).toHaveLength(1)
    expect(await ash().turn()).toMatchObject({ error: null })
    expect(contributions()).toBe(0)
    expect(ash().charged().size).toBe(0)
    expect(federation.round).toMatchObject({ attempt: 1 })
  })
})
