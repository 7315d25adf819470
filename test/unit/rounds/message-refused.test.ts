import { siteId } from '@tributary/shared/ids'
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
