import type { Task } from '@tributary/shared/wire/federation-api'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'

let federation: InProcessFederation
let openings: SignedMessage[]
beforeEach(async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
  openings = []
  const { coordinator } = federation
  coordinator.handlers = {
    ...coordinator.handlers,
    openDeal: async (_, message) => void openings.push(message),
    openBox: async () => undefined,
  }
})
afterEach(() => federation.close())

const ash = () => federation.site('ash')
const attempt = () => ({ study: federation.study, step: 0, attempt: 0 })
const calls = { check: 'check', 'deal opening': 'openDeal', 'box opening': 'openBox' } as const
type Kind = keyof typeof calls
const orders: Readonly<Record<Kind, () => Promise<Exclude<Task, { kind: 'wait' | 'finished' }>>>> = {
  check: async () => ({ kind: 'check', ...attempt() }),
  'deal opening': async () => ({ kind: 'open-deal', ...attempt() }),
  'box opening': async () => {
    await federation.site('birch').worker.perform({ kind: 'open-deal', ...attempt() })
    return { kind: 'open-box', opening: openings[0] as SignedMessage }
  },
}

describe.each(Object.keys(calls) as Kind[])('a site whose officer pauses the study, and its %s (R6)', (kind) => {
  const sent = () => federation.departed.filter((each) => each.site === 'ash' && each.kind === kind).length

  it('sends it while the study is approved', async () => {
    await federation.reach('checking')
    await ash().worker.perform(await orders[kind]())
    expect([sent(), federation.breaches]).toEqual([1, []])
  })

  it('does not where that is just before it sends', async () => {
    await federation.reach('checking')
    const task = await orders[kind]()
    ash().gate.killWhere((crossing) => {
      if (crossing === `before client.${calls[kind]}`) ash().decide('paused')
      return false
    })
    await expect(ash().worker.perform(task)).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    expect([sent(), ash().decisions, federation.breaches]).toEqual([0, 1, []])
  })
})
