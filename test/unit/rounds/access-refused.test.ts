import { type Digest, siteId } from '@tributary/shared/ids'
import { signBody } from '@tributary/shared/wire/body'
import { rosterHash } from '@tributary/shared/wire/roster'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'

let federation: InProcessFederation
beforeEach(async () => {
  federation = await InProcessFederation.open({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
})
afterEach(() => federation.close())

const peer = (site: string) => ({ site: siteId(site), serial: '01' })
const drain = async (bytes: AsyncIterable<Uint8Array>) => {
  let length = 0
  for await (const part of bytes) length += part.length
  return length
}

it('a hospital that is not in the study gets neither its model nor its boxes', async () => {
  await federation.reach('contributing')
  const { handlers } = federation.coordinator
  const { round } = federation.round
  expect(await drain(handlers.model(peer('ash'), round))).toBeGreaterThan(0)
  expect(await handlers.boxes(peer('ash'), round)).toHaveLength(3)
  await expect(drain(handlers.model(peer('zed'), round))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(handlers.boxes(peer('zed'), round)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

it('an answer before the set is named is refused, and the real one still counts', async () => {
  await federation.reach('contributing')
  const { step, attempt, round } = federation.round
  const ash = siteId('ash')
  const early = signBody(
    'answer',
    ash,
    {
      study: federation.study,
      step,
      attempt,
      round,
      roster: rosterHash(federation.roster),
      announcement: 'f'.repeat(64) as Digest,
      share: new Uint8Array(40),
    },
    federation.identityOf(ash),
  )
  await expect(federation.coordinator.handlers.answer(peer('ash'), early)).rejects.toMatchObject({
    code: 'ROUND_REFUSED',
    message: 'this round takes no answer now',
  })
  await federation.complete()
  expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
})

it('other box keys for an epoch that has some are refused: peers seal to one key', async () => {
  const ash = siteId('ash')
  const keys = (byte: number) =>
    signBody(
      'box-keys',
      ash,
      { study: federation.study, epoch: 0, key: new Uint8Array(1216).fill(byte) },
      federation.identityOf(ash),
    )
  await expect(federation.coordinator.handlers.putBoxKeys(peer('ash'), keys(1))).rejects.toMatchObject({
    code: 'ROSTER_REFUSED',
  })
  await federation.complete()
  expect(federation.outcome).toMatchObject({ outcome: 'completed' })
})
