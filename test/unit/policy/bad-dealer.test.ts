import { siteId } from '@tributary/shared/ids'
import { openBody } from '@tributary/shared/wire/body'
import type { DealtBox } from '@tributary/shared/wire/federation-api'
import { memberOf } from '@tributary/shared/wire/roster'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'

let federation: InProcessFederation
beforeEach(async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
})
afterEach(() => federation.close())

const by = (boxes: readonly DealtBox[], dealer: string) => boxes.find(({ deal }) => deal.signer === dealer) as DealtBox
const cedar = () => federation.site('cedar')
const sent = (kind: string) => federation.departed.filter((each) => each.site === 'cedar' && each.kind === kind)
/** Turns of everybody, and time, until the first round is in this phase. */
const wait = async (phase: string) => {
  for (let i = 0; i < 60 && federation.round.phase !== phase; i++) {
    await federation.turns()
    if (federation.round.phase !== phase) await federation.advance(5_000)
  }
  expect(federation.round).toMatchObject({ step: 0, attempt: 0, phase })
}

describe.each<[string, (boxes: readonly DealtBox[]) => readonly DealtBox[]]>([
  [
    'tampered with',
    (boxes) =>
      boxes.map((each) =>
        each.deal.signer === 'birch' ? { ...each, box: each.box.with(40, each.box[40]! ^ 1) } : each,
      ),
  ],
  [
    'swapped with that of another dealer',
    (boxes) => boxes.map((each) => (each.deal.signer === 'birch' ? { ...each, box: by(boxes, 'date').box } : each)),
  ],
  ['left out', (boxes) => boxes.filter(({ deal }) => deal.signer !== 'birch')],
])('a box of birch for cedar that the coordinator %s (R24)', (_, change) => {
  beforeEach(async () => {
    await federation.reach('checking')
    federation.onBoxes = (to, boxes) => (to === 'cedar' && federation.round.step === 0 ? change(boxes) : boxes)
  })

  it('box missing: cedar blames nobody, contributes, and does not answer for a set with birch', async () => {
    expect(await cedar().turn()).toMatchObject({
      task: 'check',
      error: { code: expect.stringMatching(/BOX_INVALID|ROUND_REFUSED/) },
    })
    await wait('answering')
    expect(federation.round.dealers).toContain('birch')
    expect(await cedar().turn()).toMatchObject({ task: 'answer', error: { code: 'BOX_INVALID' } })
    expect(sent('answer')).toEqual([])
    await federation.complete()
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
    expect(federation.coordinator.opened[0]?.counts).toEqual([1, 1, 1, 1])
    expect(sent('answer')).toHaveLength(1)
    await checkInvariants(federation)
  })

  it('is fetched again: cedar checks and answers once it arrives as dealt', async () => {
    await cedar().turn()
    federation.onBoxes = (_to, boxes) => boxes
    await wait('answering')
    expect(sent('check')).not.toEqual([])
    expect(await cedar().turn()).toEqual({ task: 'answer', error: null })
  })
})

describe('what a holder says of its boxes (R24)', () => {
  it('is one value of every deal, the same when asked again, also after a restart', async () => {
    await federation.reach('checking')
    const task = await cedar().next()
    if (task.kind !== 'check') throw new Error(`a check is due, not ${task.kind}`)
    const { step, attempt, study } = task
    await cedar().worker.perform(task)
    cedar().restart()
    // The network repeats the order, which the coordinator no longer gives to this site.
    await cedar().worker.perform({ kind: 'check', study, step, attempt })
    expect(sent('check')).toMatchObject([{ times: 2 }])
  })

  it('is null for a box that does not open although it is the one dealt', async () => {
    // Birch seals every share to a key that is thrown away, and says nothing of it.
    const birch = federation.site('birch')
    const task = await birch.next()
    if (task.kind !== 'deal') throw new Error(`a deal is due, not ${task.kind}`)
    await birch.worker.perform({ ...task, boxKeys: task.boxKeys.filter(({ signer }) => signer !== 'cedar') })
    const checks: unknown[] = []
    const { coordinator } = federation
    const { handlers } = coordinator
    coordinator.handlers = {
      ...handlers,
      check: (peer, message) => {
        if (peer.site === 'cedar') {
          const { checks: said } = openBody('check', message, memberOf(federation.roster, siteId('cedar')))
          checks.push(...said.map(({ site, value }) => [site, value === null]))
        }
        return handlers.check(peer, message)
      },
    }
    await federation.reach('contributing')
    expect(checks).toEqual([
      ['ash', false],
      ['birch', true],
      ['cedar', false],
      ['date', false],
    ])
    // It is left out of this attempt and of nothing else.
    expect(federation.round.disputed).toEqual(['birch'])
    coordinator.handlers = handlers
    await federation.complete()
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
    expect(federation.coordinator.opened.map(({ counts }) => counts)).toEqual([
      [1, 0, 1, 1],
      [1, 1, 1, 1],
    ])
    await checkInvariants(federation)
  })
})

it('a deal whose boxes are not those it signed never gets to a holder', async () => {
  const { coordinator } = federation
  const { handlers } = coordinator
  coordinator.handlers = {
    ...handlers,
    putDeal: (peer, message, boxes) => handlers.putDeal(peer, message, boxes.toReversed()),
  }
  expect(await federation.site('birch').turn()).toMatchObject({ task: 'deal', error: { code: 'BOX_INVALID' } })
  expect(federation.round.dealers).toEqual([])
  coordinator.handlers = handlers
  // The stored deal is sent again as it is.
  expect(await federation.site('birch').turn()).toEqual({ task: 'deal', error: null })
  expect(federation.round.dealers).toEqual(['birch'])
})
