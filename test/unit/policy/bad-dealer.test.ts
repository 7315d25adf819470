import type { DealtBox } from '@tributary/shared/wire/federation-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'

let federation: InProcessFederation
beforeEach(async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
})
afterEach(() => federation.close())

const by = (boxes: readonly DealtBox[], dealer: string) => boxes.find(({ deal }) => deal.signer === dealer) as DealtBox

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
])('a box of birch for cedar that was %s (R24)', (_, change) => {
  beforeEach(() => {
    federation.onBoxes = (to, boxes) => (to === 'cedar' && federation.round.step === 0 ? change(boxes) : boxes)
  })

  it('keeps cedar from answering for a set with birch, and nobody from anything else', async () => {
    await federation.reach('answering')
    expect(await federation.site('cedar').turn()).toMatchObject({ task: 'answer', error: { code: 'BOX_INVALID' } })
    await federation.complete()
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
    expect(federation.coordinator.opened[0]?.counts).toEqual([1, 1, 1, 1])
    const answered = federation.departed.filter(({ kind }) => kind === 'answer')
    expect(answered.filter(({ site }) => site === 'cedar')).toHaveLength(1)
    checkInvariants(federation)
  })

  it('matters to nobody where birch is not in the set', async () => {
    await federation.reach('contributing')
    federation.site('birch').restart()
    await federation.reach('answering')
    expect(federation.round.contributors).toEqual(['ash', 'cedar', 'date'])
    expect(await federation.site('cedar').turn()).toEqual({ task: 'answer', error: null })
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
