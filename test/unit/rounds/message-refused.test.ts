import { CodedError } from '@tributary/shared/errors'
import { partsDigest } from '@tributary/shared/he/parts'
import { type Digest, siteId } from '@tributary/shared/ids'
import { openBody, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { memberOf } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { FederationHandlers, UploadPart } from '@tributary/shared/wire/federation-api'
import type { MessageKind } from '@tributary/shared/wire/messages'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'

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

const gathered = async (parts: AsyncIterable<UploadPart>): Promise<UploadPart[]> => {
  const all: UploadPart[] = []
  for await (const part of parts) all.push(part)
  return all
}
async function* streamed(parts: readonly UploadPart[]) {
  yield* parts
}
/** An upload whose parts are changed on their way. */
const changing =
  (honest: FederationHandlers, change: (data: Uint8Array) => Uint8Array): FederationHandlers['parts'] =>
  async (peer, round, parts) => {
    const sent = (await gathered(parts)).map(({ part, data }) => ({ part, data: change(data) }))
    return await honest.parts(peer, round, streamed(sent))
  }
const down = () => new CodedError('UNAVAILABLE', 'the connection broke')

/** What ash really signed, changed and signed anew by ash. */
const resigned = (kind: MessageKind, message: SignedMessage, change: object): SignedMessage => {
  const ash = siteId('ash')
  const body = openBody(kind, message, memberOf(federation.roster, ash))
  return signBody(kind, ash, { ...body, ...change }, federation.identityOf(ash))
}
const other = 'f'.repeat(64) as Digest

/** What ash sends arrives changed; then, as it was. Both times the sum must come out right. */
it.each<[string, string, string, (honest: FederationHandlers) => Partial<FederationHandlers>]>([
  [
    'sealed bytes that were damaged',
    'contributing',
    'FRAME_INVALID',
    (honest) => ({ parts: changing(honest, (data) => data.with(99, data[99]! ^ 1)) }),
  ],
  [
    'sealed bytes of another length',
    'contributing',
    'FRAME_INVALID',
    (honest) => ({ parts: changing(honest, (data) => data.slice(8)) }),
  ],
  [
    'parts whose hashes are not those that were signed',
    'contributing',
    'FRAME_INVALID',
    (honest) => ({ offer: (peer, message, hashes) => honest.offer(peer, message, [other, ...hashes.slice(1)]) }),
  ],
  [
    'a check of one deal too few',
    'checking',
    'ROUND_REFUSED',
    (honest) => ({
      check: (peer, message) => {
        const { checks } = openBody('check', message, memberOf(federation.roster, peer.site))
        return honest.check(peer, resigned('check', message, { checks: checks.slice(1) }))
      },
    }),
  ],
  [
    'a check of other deals than those of this attempt',
    'checking',
    'ROUND_REFUSED',
    (honest) => ({
      check: (peer, message) => {
        const { checks } = openBody('check', message, memberOf(federation.roster, peer.site))
        return honest.check(
          peer,
          resigned('check', message, { checks: checks.map((each) => ({ ...each, deal: other })) }),
        )
      },
    }),
  ],
  [
    'a deal for another epoch',
    'dealing',
    'BOX_INVALID',
    (honest) => ({
      putDeal: (peer, message, boxes) => honest.putDeal(peer, resigned('deal', message, { epoch: 1 }), boxes),
    }),
  ],
  [
    'a deal that tells of a contribution which nobody signed (R4)',
    'dealing',
    'SIGNATURE_INVALID',
    (honest) => ({
      putDeal: (peer, message, boxes) => {
        const seen = [{ site: siteId('birch'), body: new Uint8Array(9), signature: new Uint8Array(64) }]
        return honest.putDeal(peer, resigned('deal', message, { seen }), boxes)
      },
    }),
  ],
  [
    'an answer whose share is no frame, signed as it is',
    'answering',
    'FRAME_INVALID',
    (honest) => ({
      answer: (peer, message) => honest.answer(peer, resigned('answer', message, { share: new Uint8Array(40) })),
    }),
  ],
  [
    'a contribution of another hospital under this certificate',
    'contributing',
    'SIGNATURE_INVALID',
    (honest) => ({
      offer: (peer, message, hashes) => honest.offer({ ...peer, site: siteId('birch') }, message, hashes),
    }),
  ],
  [
    'an answer that was damaged',
    'answering',
    'SIGNATURE_INVALID',
    (honest) => ({
      answer: (peer, message) =>
        honest.answer(peer, { ...message, signature: message.signature.with(0, message.signature[0]! ^ 1) }),
    }),
  ],
  [
    'an answer for another contributor set (R4)',
    'answering',
    'ROUND_REFUSED',
    (honest) => ({
      answer: (peer, message) => honest.answer(peer, resigned('answer', message, { announcement: other })),
    }),
  ],
  [
    'a contribution to another model',
    'contributing',
    'ROUND_REFUSED',
    (honest) => ({
      offer: (peer, message, hashes) => honest.offer(peer, resigned('contribution', message, { model: other }), hashes),
    }),
  ],
  [
    'a contribution under another deal',
    'contributing',
    'ROUND_REFUSED',
    (honest) => ({
      offer: (peer, message, hashes) => honest.offer(peer, resigned('contribution', message, { deal: other }), hashes),
    }),
  ],
  [
    'a withdrawal in the name of another hospital',
    'contributing',
    'SIGNATURE_INVALID',
    (honest) => ({
      offer: async (peer, message) => {
        await honest.withdraw({ ...peer, site: siteId('birch') }, { ...message, kind: 'withdrawal' })
        return { complete: true, missing: [] }
      },
    }),
  ],
])('%s is refused and counts for nothing', async (_, phase, code, change) => {
  await federation.reach(phase)
  const { coordinator } = federation
  const honest = coordinator.handlers
  const { round } = federation
  coordinator.handlers = { ...honest, ...change(honest) }
  expect((await federation.site('ash').turn()).error).toMatchObject({ code })
  expect(federation.round).toEqual(round)
  coordinator.handlers = honest
  await federation.complete()
  expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
  await checkInvariants(federation)
})

it('a message for a round that is closed is refused', async () => {
  await federation.reach('contributing')
  const { coordinator } = federation
  const honest = coordinator.handlers
  const late: (() => Promise<unknown>)[] = []
  coordinator.handlers = {
    ...honest,
    offer: async (peer, message, hashes) => {
      late.push(() => honest.offer(peer, message, hashes))
      throw down()
    },
  }
  await federation.turns(['ash'])
  coordinator.handlers = honest
  await federation.reach('contributing', 1)
  expect(late).toHaveLength(1)
  await expect(late[0]?.()).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
})

it('a residue beyond the modulus in a part that is hashed and signed as it is counts for nothing, and ash for that attempt', async () => {
  await federation.reach('contributing')
  const { coordinator } = federation
  const honest = coordinator.handlers
  let offered: SignedMessage | undefined
  coordinator.handlers = {
    ...honest,
    offer: async (_, message, hashes) => {
      offered = message
      return { complete: false, missing: hashes.map((__, part) => part) }
    },
    parts: async (peer, round, parts) => {
      const spoilt = (await gathered(parts)).map(({ part, data }) => ({ part, data: data.slice().fill(0xff, 16, 32) }))
      const hashes = spoilt.toSorted((a, b) => a.part - b.part).map(({ data }) => hashBytes(data))
      const signed = resigned('contribution', offered as SignedMessage, { ciphertext: partsDigest(hashes) })
      await honest.offer(peer, signed, hashes)
      return await honest.parts(peer, round, streamed(spoilt))
    },
  }
  expect((await federation.site('ash').turn()).error).toMatchObject({ code: 'FRAME_INVALID' })
  coordinator.handlers = honest
  expect(federation.round.contributors).toEqual([])
  await federation.complete()
  expect(coordinator.opened.map(({ attempt, counts }) => ({ attempt, counts }))).toEqual([
    { attempt: 1, counts: [1, 1, 1] },
    { attempt: 0, counts: [1, 1, 1] },
  ])
})

it('a second, different contribution of one site is refused, and the first one counts (R3)', async () => {
  await federation.reach('contributing')
  await federation.turns(['ash'])
  const { rounds, handlers } = federation.coordinator
  const ash = siteId('ash')
  const { round } = federation.round
  const counted = rounds.message(round, 'contribution', ash) as SignedMessage
  const hashes = rounds.partHashes(round, ash) ?? []
  const others = [other, ...hashes.slice(1)]
  const second: [SignedMessage, readonly Digest[]][] = [
    [resigned('contribution', counted, { counter: 99 }), hashes],
    [resigned('contribution', counted, { ciphertext: partsDigest(others) }), others],
  ]
  for (const [message, offered] of second)
    await expect(handlers.offer({ site: ash, serial: '01' }, message, offered)).rejects.toMatchObject({
      code: 'ROUND_REFUSED',
    })
  await expect(handlers.offer({ site: ash, serial: '01' }, counted, hashes)).resolves.toMatchObject({ complete: true })
  await federation.complete()
  // Sites refuse a set with what they did not send: had the second one been kept, ash would not have answered.
  const answered = federation.departed.filter((sent) => sent.kind === 'answer' && sent.round === round)
  expect(answered.map(({ site }) => site)).toContain('ash')
  expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
})

it('a contribution that comes after the set was named changes nothing: one set a round (R4)', async () => {
  federation.close()
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
  await federation.reach('contributing')
  const { coordinator } = federation
  const honest = coordinator.handlers
  const late: (() => Promise<unknown>)[] = []
  coordinator.handlers = {
    ...honest,
    parts: async (peer, round, parts) => {
      const sent = await gathered(parts)
      late.push(() => honest.parts(peer, round, streamed(sent)))
      throw down()
    },
  }
  await federation.turns(['date'])
  coordinator.handlers = honest
  await federation.turns(['ash', 'birch', 'cedar'])
  await federation.advance(600_000)
  expect(federation.round.phase).toBe('answering')
  await federation.turns(['ash'])
  await expect(late[0]?.()).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
  expect(federation.round.contributors).toEqual(['ash', 'birch', 'cedar'])
  await federation.complete()
  expect(coordinator.opened[0]?.counts).toEqual([1, 1, 1, 0])
  await checkInvariants(federation)
})
