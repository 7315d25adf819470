import type { Task } from '@tributary/shared/wire/federation-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'

type Order = Exclude<Task, { kind: 'wait' | 'finished' }>

let federation: InProcessFederation
/** What the coordinator asked of ash in step 0. */
let old: Map<string, Order>
beforeEach(async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 4, steps: 4, spares: { marginals: 1, gradient: 2 } })
  old = new Map()
  while (federation.round.step === 0 || old.size < 4) {
    const task = await ash().next()
    if (task.kind !== 'wait' && task.kind !== 'finished' && !old.has(task.kind)) old.set(task.kind, task)
    await federation.turns()
  }
  await federation.reach('contributing', 3)
})
afterEach(() => federation.close())

const ash = () => federation.site('ash')
const sent = (kind: string) => federation.departed.filter((each) => each.site === 'ash' && each.kind === kind)
const replay = (kind: string) => ash().worker.perform(old.get(kind) as Order)

describe.each([false, true])('replay of an old round; restarted between: %s', (isRestarted) => {
  beforeEach(() => {
    if (isRestarted) ash().restart()
  })

  it('its deal is not made anew: the key is gone, and the same bytes or none leave (R3)', async () => {
    const before = ash().gate.trace.length
    const deals = sent('deal').length
    await replay('deal').catch(() => undefined)
    expect(sent('deal')).toHaveLength(deals)
    expect(ash().gate.trace.slice(before)).toEqual(['client.withdraw'])
    expect(federation.breaches).toEqual([])
  })

  it('its broadcast draws, charges and seals nothing; at most the stored bytes leave again (R3, R6)', async () => {
    const [before, charged, contributions] = [
      ash().gate.trace.length,
      ash().charged().size,
      sent('contribution').length,
    ]
    await replay('contribute').catch(() => undefined)
    const did = ash().gate.trace.slice(before)
    for (const call of ['execute', 'ledger.charge', 'outbox.store']) expect(did).not.toContain(call)
    expect([ash().charged().size, sent('contribution').length]).toEqual([charged, contributions])
    expect(federation.breaches).toEqual([])
  })

  it('its announcement gets the stored answer and nothing else, without any box (R4)', async () => {
    federation.onBoxes = () => {
      throw new Error('no box is to be asked for')
    }
    const before = ash().gate.trace.length
    // The honest desk has closed that round.
    await expect(replay('answer')).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    expect(ash().gate.trace.slice(before)).not.toContain('answers.answer')
    const { round } = sent('answer')[0] ?? {}
    expect(sent('answer').filter((each) => each.round === round)).toMatchObject([{ times: 2 }])
    expect(federation.breaches).toEqual([])
  })
})
