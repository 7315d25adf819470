import { randomBytes } from 'node:crypto'
import { roundId, siteId } from '@tributary/shared/ids'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { afterEach, expect, it } from 'vitest'
import { clock, signed, startFederation, type TestFederation } from './federation-fixture.ts'

let federation: TestFederation | undefined
afterEach(() => federation?.stop())

const round = roundId('12'.repeat(32))

it('a coordinator that comes back within the patience is found again', async () => {
  const received: SignedMessage[] = []
  federation = await startFederation({ answer: async (_peer, message) => void received.push(message) })
  const client = await federation.join(siteId('north'), 10_000)
  await client.roster()
  await federation.server.stop()
  const answering = client.answer(signed('answer', 'a'))
  await clock.sleep(300)
  const again = await federation.start(federation.address)
  await answering
  expect(received).toHaveLength(1)
  client.close()
  await again.stop()
})

it('without patience an unreachable coordinator is UNAVAILABLE', async () => {
  federation = await startFederation()
  const client = await federation.join(siteId('north'))
  await federation.server.stop()
  await expect(client.roster()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})

it('a model download goes on where a crash cut it', async () => {
  const model = randomBytes(6 * 2 ** 20)
  federation = await startFederation({
    model: async function* () {
      yield model
    },
  })
  const client = await federation.join(siteId('north'), 10_000)
  const pieces: Uint8Array[] = []
  let restarted: Awaited<ReturnType<TestFederation['start']>> | undefined
  for await (const piece of client.model(round)) {
    pieces.push(piece)
    if (pieces.length === 2) {
      await federation.server.stop()
      restarted = await federation.start(federation.address)
    }
  }
  expect(Buffer.concat(pieces).equals(model)).toBe(true)
  client.close()
  await restarted?.stop()
})

it('stop ends a long poll at once', async () => {
  const arrived = Promise.withResolvers<void>()
  federation = await startFederation({
    next: async (_peer, { waitMs }, signal) => {
      arrived.resolve()
      await clock.sleep(waitMs, signal)
      return { kind: 'wait' }
    },
  })
  const client = await federation.join(siteId('north'))
  const study = '34'.repeat(32) as never
  const polling = client.next({ study, waitMs: 60_000 })
  await arrived.promise
  const before = clock.now()
  await federation.server.stop()
  await expect(polling).resolves.toEqual({ kind: 'wait' })
  expect(clock.now() - before).toBeLessThan(2_500)
})
