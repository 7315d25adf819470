import { siteId } from '@tributary/shared/ids'
import { type Body, openBody, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { memberOf } from '@tributary/shared/wire/roster'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { generateIdentity, type SignedMessage } from '@tributary/shared/wire/signed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'

let federation: InProcessFederation
let openings: SignedMessage[]
let shown: SignedMessage[]
beforeEach(async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
  openings = []
  shown = []
  const { coordinator } = federation
  const { handlers } = coordinator
  // A coordinator that disputes whatever it likes.
  coordinator.handlers = {
    ...handlers,
    openDeal: async (_, message) => void openings.push(message),
    openBox: async (_, message) => void shown.push(message),
  }
})
afterEach(() => federation.close())

const ash = () => federation.site('ash')
const cedar = () => federation.site('cedar')
const attempt = () => ({ study: federation.study, step: 0, attempt: 0 })
const openDeal = () => ash().worker.perform({ kind: 'open-deal', ...attempt() })
const bodyOf = (message: SignedMessage): Body<'deal-opening'> =>
  openBody('deal-opening', message, memberOf(federation.roster, siteId(message.signer)))

describe('a dealer that is asked to open its deal (R24)', () => {
  it('opens it while nothing was begun, says the same again, and never seals under it, also after a restart', async () => {
    await federation.reach('contributing')
    const before = ash().gate.trace.length
    await openDeal()
    // Never to seal is a promise on disk before anything of the deal leaves.
    expect(ash().gate.trace.slice(before)).toEqual(['outbox.disclaim', 'outbox.storeOpening', 'client.openDeal'])
    await openDeal()
    ash().restart()
    await openDeal()
    expect(new Set(openings.map(({ body }) => hashBytes(body))).size).toBe(1)
    expect(openings).toHaveLength(3)
    expect(bodyOf(openings[0] as SignedMessage).keys).toHaveLength(4)
    expect(await ash().turn()).toEqual({ task: 'contribute', error: null })
    expect([ash().charged().size, ash().gate.trace]).toEqual([0, ['client.openDeal', 'client.withdraw']])
  })

  it('that restarted between the promise and the opening has no keys to show, and still never seals', async () => {
    await federation.reach('contributing')
    ash().gate.killWhere((crossing) => crossing === 'after outbox.disclaim')
    await expect(openDeal()).rejects.toThrow('killed')
    ash().restart()
    await expect(openDeal()).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    expect(openings).toEqual([])
    expect(await ash().turn()).toEqual({ task: 'contribute', error: null })
    expect(ash().charged().size).toBe(0)
  })

  it.each([['before client.openDeal'], ['after outbox.storeOpening']])(
    'killed %s: the stored opening is sent after the restart',
    async (place) => {
      await federation.reach('contributing')
      ash().gate.killWhere((crossing) => crossing === place)
      await expect(openDeal()).rejects.toThrow('killed')
      ash().restart()
      await openDeal()
      expect(openings).toHaveLength(1)
    },
  )

  it.each([
    ['sealed under it', async () => void (await ash().turn())],
    [
      'begun to, and failed',
      async () => {
        ash().execute = () => Promise.reject(new Error('no memory'))
        await ash().turn()
      },
    ],
    ['lost its key in a restart', async () => ash().restart()],
  ])('refuses where it has %s: an opened sum must never be taken apart', async (_, happen) => {
    await federation.reach('contributing')
    await happen()
    await expect(openDeal()).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    expect(openings).toEqual([])
  })

  it('that lost its key promises nothing: no mark on its disk for a deal that it cannot open', async () => {
    await federation.reach('contributing')
    ash().restart()
    await expect(openDeal()).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    expect(ash().gate.trace).toEqual([])
  })

  it('refuses for a round it did not deal for, and while its officer has paused the study', async () => {
    await federation.reach('contributing')
    const task = { kind: 'open-deal', ...attempt() } as const
    await expect(ash().worker.perform({ ...task, attempt: 1 })).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    ash().isApproved = false
    await expect(ash().worker.perform(task)).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    expect(openings).toEqual([])
  })
})

describe('a holder that is asked for the key of its box (R24)', () => {
  const opening = async (): Promise<SignedMessage> => {
    await federation.reach('contributing')
    await openDeal()
    return openings[0] as SignedMessage
  }
  const openBox = (message: SignedMessage) => cedar().worker.perform({ kind: 'open-box', opening: message })

  it("shows it where the dealer opened that deal: the very key of the dealer's own list, also after a restart", async () => {
    const message = await opening()
    await openBox(message)
    cedar().restart()
    await openBox(message)
    for (const each of shown) {
      const body = openBody('box-opening', each, memberOf(federation.roster, cedar().name))
      expect(body).toMatchObject({ dealer: 'ash', deal: bodyOf(message).deal })
      expect(body.key).toEqual(bodyOf(message).keys[2])
    }
    expect(shown).toHaveLength(2)
  })

  type Change = (body: Body<'deal-opening'>) => Partial<Body<'deal-opening'>>
  const other = 'f'.repeat(64)
  it.each<[string, string, Change]>([
    ['of another deal', 'BOX_INVALID', () => ({ deal: other as Body<'deal-opening'>['deal'] })],
    ['of another round (R2)', 'ROUND_REFUSED', ({ study }) => ({ attempt: 1, round: roundIdOf(study, 0, 0) })],
    ['of another study', 'ROUND_REFUSED', () => ({ study: other as Body<'deal-opening'>['study'] })],
    ['under another roster (R1)', 'ROUND_REFUSED', () => ({ roster: other as Body<'deal-opening'>['roster'] })],
  ])('shows nothing for an opening %s', async (_, code, change) => {
    const body = bodyOf(await opening())
    const forged = signBody('deal-opening', 'ash', { ...body, ...change(body) }, federation.identityOf(siteId('ash')))
    await expect(openBox(forged)).rejects.toMatchObject({ code })
    expect(shown).toEqual([])
  })

  it("shows nothing without the dealer's own signature: not for the coordinator, nor for another site", async () => {
    const body = bodyOf(await opening())
    const birch = federation.identityOf(siteId('birch'))
    for (const [signer, identity] of [
      ['ash', generateIdentity()],
      ['ash', federation.coordinatorIdentity],
      ['ash', birch],
    ] as const)
      await expect(openBox(signBody('deal-opening', signer, body, identity))).rejects.toMatchObject({
        code: 'SIGNATURE_INVALID',
      })
    // Birch opens what it did not deal.
    await expect(openBox(signBody('deal-opening', 'birch', body, birch))).rejects.toMatchObject({ code: 'BOX_INVALID' })
    await expect(
      openBox(signBody('deal-opening', 'coordinator', body, federation.coordinatorIdentity)),
    ).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    expect(shown).toEqual([])
  })

  it('shows nothing of a box that is not the one dealt', async () => {
    await federation.reach('checking')
    federation.onBoxes = (to, boxes) =>
      to === 'cedar' ? boxes.map((each) => ({ ...each, box: each.box.with(50, each.box[50]! ^ 1) })) : boxes
    await openDeal()
    await expect(openBox(openings[0] as SignedMessage)).rejects.toMatchObject({ code: 'BOX_INVALID' })
    expect(shown).toEqual([])
  })
})
