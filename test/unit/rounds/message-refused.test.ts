import { type Digest, siteId } from '@tributary/shared/ids'
import { openBody, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { memberOf } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { FederationHandlers } from '@tributary/shared/wire/federation-api'
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

async function* whole(bytes: Uint8Array) {
  yield bytes
}

const gathered = async (chunks: AsyncIterable<Uint8Array>) => {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return new Uint8Array(Buffer.concat(parts))
}

/** What ash really signed, changed and signed anew by ash. */
const resigned = (kind: 'contribution' | 'answer', message: SignedMessage, change: object): SignedMessage => {
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
    (honest) => ({
      contribute: async (peer, message, size, chunks) => {
        const bytes = await gathered(chunks)
        await honest.contribute(peer, message, size, whole(bytes.with(99, bytes[99]! ^ 1)))
      },
    }),
  ],
  [
    'sealed bytes of another length',
    'contributing',
    'FRAME_INVALID',
    (honest) => ({
      contribute: async (peer, message, size, chunks) =>
        honest.contribute(peer, message, size - 8, whole((await gathered(chunks)).slice(8))),
    }),
  ],
  [
    'sealed bytes with a residue beyond the modulus, signed as they are',
    'contributing',
    'FRAME_INVALID',
    (honest) => ({
      contribute: async (peer, message, size, chunks) => {
        const bytes = (await gathered(chunks)).fill(0xff, 16, 24)
        const signed = resigned('contribution', message, { ciphertext: hashBytes(bytes) })
        await honest.contribute(peer, signed, size, whole(bytes))
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
      contribute: (peer, message, size, chunks) =>
        honest.contribute({ ...peer, site: siteId('birch') }, message, size, chunks),
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
      contribute: (peer, message, size, chunks) =>
        honest.contribute(peer, resigned('contribution', message, { model: other }), size, chunks),
    }),
  ],
  [
    'a contribution under another deal',
    'contributing',
    'ROUND_REFUSED',
    (honest) => ({
      contribute: (peer, message, size, chunks) =>
        honest.contribute(peer, resigned('contribution', message, { deal: other }), size, chunks),
    }),
  ],
  [
    'a withdrawal in the name of another hospital',
    'contributing',
    'SIGNATURE_INVALID',
    (honest) => ({
      contribute: (peer, message) =>
        honest.withdraw({ ...peer, site: siteId('birch') }, { ...message, kind: 'withdrawal' }),
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
  checkInvariants(federation)
})

it('a message for a round that is closed is refused', async () => {
  await federation.reach('contributing')
  const { coordinator } = federation
  const honest = coordinator.handlers
  const late: (() => Promise<void>)[] = []
  coordinator.handlers = {
    ...honest,
    contribute: async (peer, message, size, chunks) => {
      const bytes = await gathered(chunks)
      late.push(() => honest.contribute(peer, message, size, whole(bytes)))
    },
  }
  await federation.turns(['ash'])
  coordinator.handlers = honest
  await federation.reach('dealing', 1)
  expect(late).toHaveLength(1)
  await expect(late[0]?.()).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
})

it('a second, different contribution of one site is refused, and the first one counts (R3)', async () => {
  await federation.reach('contributing')
  const { coordinator } = federation
  const honest = coordinator.handlers
  coordinator.handlers = {
    ...honest,
    contribute: async (peer, message, size, chunks) => {
      const bytes = await gathered(chunks)
      await honest.contribute(peer, message, size, whole(bytes))
      await honest.contribute(peer, resigned('contribution', message, { counter: 99 }), size, whole(bytes))
    },
  }
  expect((await federation.site('ash').turn()).error).toMatchObject({ code: 'ROUND_REFUSED' })
  coordinator.handlers = honest
  await federation.complete()
  // Sites refuse a set with what they did not send: had the second one been kept, ash would not have answered.
  const first = coordinator.rounds.rounds(federation.study)[0]?.round
  const answered = federation.departed.filter(({ kind, round }) => kind === 'answer' && round === first)
  expect(answered.map(({ site }) => site)).toContain('ash')
  expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
})

it('a contribution that comes after the set was named changes nothing: one set a round (R4)', async () => {
  federation.close()
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
  await federation.reach('contributing')
  const { coordinator } = federation
  const honest = coordinator.handlers
  const late: (() => Promise<void>)[] = []
  coordinator.handlers = {
    ...honest,
    contribute: async (peer, message, size, chunks) => {
      const bytes = await gathered(chunks)
      late.push(() => honest.contribute(peer, message, size, whole(bytes)))
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
  checkInvariants(federation)
})
