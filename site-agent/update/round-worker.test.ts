import { siteId } from '@tributary/shared/ids'
import { openBody, signBody } from '@tributary/shared/wire/body'
import { memberOf } from '@tributary/shared/wire/roster'
import { afterEach, describe, expect, it } from 'vitest'
import { InProcessFederation } from '../../test/harness/in-process-federation.ts'
import { checkInvariants } from '../../test/harness/round-invariants.ts'

let federation: InProcessFederation
afterEach(() => federation.close())

const open = async (sites: number, least: number) => {
  const spares = { marginals: 2, gradient: 4 }
  federation = await InProcessFederation.open({ sites, least, steps: 1, spares })
}
const ash = () => federation.site('ash')
const sent = (kind: string) => federation.departed.filter((each) => each.site === 'ash' && each.kind === kind)

it('whatever else the agent does goes on between the deals that a holder checks', async () => {
  await open(4, 4)
  await federation.reach('checking')
  const task = await ash().next()
  if (task.kind !== 'check') throw new Error(`a check is due, not ${task.kind}`)
  ash().sleep = () => new Promise((resolve) => setImmediate(resolve))
  let turns = 0
  let isOver = false
  const turn = () => {
    turns++
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  await ash().worker.perform(task)
  isOver = true
  expect(turns).toBeGreaterThanOrEqual(4)
})

describe('an officer who pauses or revokes', () => {
  it('between the charge and the send time: charged (R6), nothing sent, and nobody waits for the deadline', async () => {
    await open(3, 3)
    await federation.reach('contributing')
    const { ledger } = ash()
    const charge = ledger.charge.bind(ledger)
    ledger.charge = (about) => {
      charge(about)
      ledger.charge = charge
      queueMicrotask(() => {
        ash().isApproved = false
      })
    }
    const { round } = federation.round
    expect((await ash().turn()).error).toMatchObject({ code: 'ROUND_REFUSED' })
    expect(ash().charged()).toEqual(new Set([round]))
    expect(sent('contribution')).toEqual([])
    expect(sent('withdrawal')).toMatchObject([{ round }])
    expect(federation.coordinator.rounds.rounds(federation.study)[0]).toMatchObject({
      phase: 'aborted',
      withdrawn: ['ash'],
    })
    ash().isApproved = true
    await federation.complete()
    expect(federation.outcome).toMatchObject({ outcome: 'completed' })
  })

  it('while the model of a repeated order is downloaded: the stored bytes stay here', async () => {
    await open(3, 3)
    await federation.reach('contributing')
    federation.faults.set(siteId('ash'), 'request lost')
    await ash().turn()
    expect(sent('contribution')).toMatchObject([{ times: 1 }])
    federation.onModel = (part) => {
      ash().isApproved = false
      return part
    }
    expect((await ash().turn()).error).toMatchObject({ code: 'ROUND_REFUSED' })
    expect(sent('contribution')).toMatchObject([{ times: 1 }])
    expect(sent('withdrawal')).toHaveLength(1)
    expect(federation.outcome).toMatchObject({ outcome: 'running' })
  })

  it('before a deal that was lost is sent again: it stays here, and the attempt is left', async () => {
    await open(3, 3)
    federation.faults.set(siteId('ash'), 'request lost')
    await ash().turn()
    const task = await ash().next()
    ash().isApproved = false
    if (task.kind !== 'deal') throw new Error(`a deal is due, not ${task.kind}`)
    await expect(ash().worker.perform(task)).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    expect(sent('deal')).toMatchObject([{ times: 1 }])
    await ash().worker.leave()
    expect(sent('withdrawal')).toHaveLength(1)
  })
})

describe('a box key that is none, signed by its site', () => {
  const withBadKeys = async (...names: string[]) => {
    const task = await ash().next()
    if (task.kind !== 'deal') throw new Error(`a deal is due, not ${task.kind}`)
    const boxKeys = task.boxKeys.map((message) => {
      if (!names.includes(message.signer)) return message
      const site = siteId(message.signer)
      const { study, epoch, key } = openBody('box-keys', message, memberOf(federation.roster, site))
      const none = { study, epoch, key: new Uint8Array(key.length) }
      return signBody('box-keys', site, none, federation.identityOf(site))
    })
    return ash().worker.perform({ ...task, boxKeys })
  }

  it('costs that site its answer, and nobody else theirs', async () => {
    await open(4, 3)
    await withBadKeys('birch')
    expect(federation.round.dealers).toContain('ash')
    for (let i = 0; i < 30 && !federation.isOver; i++) {
      await federation.turns()
      await federation.advance(5_000)
    }
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
    await checkInvariants(federation)
  })

  it('of too many holders: no deal, so nobody is charged for a sum that cannot be opened', async () => {
    await open(3, 3)
    await expect(withBadKeys('birch', 'cedar')).rejects.toMatchObject({
      code: 'BOX_INVALID',
      message: expect.stringContaining('birch, cedar'),
    })
    expect(sent('deal')).toEqual([])
  })
})
