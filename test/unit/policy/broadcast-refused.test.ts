import { type Digest, roundId, siteId, studyId } from '@tributary/shared/ids'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { Body } from '@tributary/shared/wire/body'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { generateIdentity } from '@tributary/shared/wire/signed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { forged } from '../../harness/forged-orders.ts'
import { InProcessFederation } from '../../harness/in-process-federation.ts'

let federation: InProcessFederation
beforeEach(async () => {
  federation = await InProcessFederation.open({
    sites: 3,
    least: 3,
    steps: 1,
    spares: { marginals: 1, gradient: 2 },
  })
  await federation.reach('contributing')
})
afterEach(() => federation.close())

const ash = () => federation.site('ash')
const left = (kind: string) => federation.departed.filter((each) => each.site === 'ash' && each.kind === kind)
const other = 'f'.repeat(64)

/** Nothing was drawn, sealed, charged or sent; and the honest order is still obeyed. */
const expectUntouched = async () => {
  expect(ash().gate.trace).toEqual(['outbox.storeDeal', 'client.putDeal', 'client.check'])
  expect(ash().charged().size).toBe(0)
  expect(await ash().turn()).toEqual({ task: 'contribute', error: null })
  expect(left('contribution')).toHaveLength(1)
}

describe('a broadcast is refused before any row is read', () => {
  type Change = (body: Body<'broadcast'>) => Partial<Body<'broadcast'>>
  const attempt = (step: number, at: number): Change => {
    return ({ study }) => ({ step, attempt: at, round: roundIdOf(study, step, at) })
  }
  it.each<[string, string, Change]>([
    ['for another study (R2)', 'study', () => ({ study: studyId(other) })],
    ['under another roster (R1)', 'roster', () => ({ roster: other as Digest })],
    ['whose round is not of its step and attempt (R2)', 'round', () => ({ round: roundId(other) })],
    ['for another manifest', 'manifest', () => ({ manifest: other as Digest })],
    ['for another query than the step has', 'query', () => ({ query: 1 })],
    ['for an attempt beyond the plan (R6)', 'attempt', attempt(0, 2 + 32)],
    ['for an attempt this site never dealt for', 'dealers', attempt(0, 1)],
    ['for a step this site never dealt for', 'query', attempt(1, 0)],
    ['with fewer dealers than the least (R7)', 'dealers', ({ dealers }) => ({ dealers: dealers.slice(0, 2) })],
    ['with a dealer twice', 'dealers', ({ dealers }) => ({ dealers: [...dealers, ...dealers.slice(1, 2)] })],
    [
      'with a dealer that is no member',
      'dealers',
      ({ dealers }) => ({ dealers: [...dealers, { site: siteId('zed'), deal: other as Digest }] }),
    ],
    [
      'that names another deal of this site',
      'dealers',
      ({ dealers }) => ({ dealers: dealers.map(({ site }) => ({ site, deal: other as Digest })) }),
    ],
  ])('%s', async (_, field, change) => {
    const broadcast = await forged(federation, 'ash', 'broadcast', change)
    await expect(ash().worker.perform({ kind: 'contribute', broadcast })).rejects.toMatchObject({
      code: 'ROUND_REFUSED',
      place: { field },
    })
    await expectUntouched()
  })

  it('for a step that the plan does not have', async () => {
    const broadcast = await forged(federation, 'ash', 'broadcast', attempt(2, 0))
    await expect(ash().worker.perform({ kind: 'contribute', broadcast })).rejects.toMatchObject({
      code: 'ROUND_REFUSED',
    })
    await expectUntouched()
  })

  it('signed by another key than the coordinator of the roster (R1)', async () => {
    const broadcast = await forged(federation, 'ash', 'broadcast', () => ({}), generateIdentity())
    await expect(ash().worker.perform({ kind: 'contribute', broadcast })).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
    await expectUntouched()
  })

  it('that is really an announcement: the kind is signed too', async () => {
    const broadcast = { ...(await forged(federation, 'ash', 'broadcast', () => ({}))), kind: 'announcement' }
    await expect(ash().worker.perform({ kind: 'contribute', broadcast })).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
    await expectUntouched()
  })
})

describe('a model', () => {
  /** The coordinator signs and serves `spoil`ed weights. */
  const serve = async (spoil: (model: Uint8Array) => Uint8Array, signed = true) => {
    const parts: Uint8Array[] = []
    for await (const part of ash().client.model(federation.round.round)) parts.push(part)
    const model = spoil(new Uint8Array(Buffer.concat(parts)))
    federation.onModel = () => model
    const broadcast = await forged(federation, 'ash', 'broadcast', (body) => ({
      model: signed ? hashBytes(model) : body.model,
    }))
    return ash().worker.perform({ kind: 'contribute', broadcast })
  }
  const honest = () => {
    federation.onModel = (part) => part
    return expectUntouched()
  }

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'with a weight of %d is refused before any row is read (R14)',
    async (weight) => {
      const spoilt = serve((model) => {
        new DataView(model.buffer).setFloat32(8, weight, true)
        return model
      })
      await expect(spoilt).rejects.toMatchObject({ code: 'ROUND_REFUSED', message: expect.stringContaining('finite') })
      await honest()
    },
  )

  it('of another length is refused', async () => {
    await expect(serve((model) => model.slice(4))).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    await honest()
  })

  it('that is not the one announced is refused: every site must see the same', async () => {
    const other = serve((model) => model.with(0, model[0]! ^ 1), false)
    await expect(other).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    await honest()
  })

  it('is taken once a round: a second broadcast with another one gets the stored bytes (R3)', async () => {
    await ash().turn()
    const before = [...ash().gate.trace]
    // The network repeats the first order, which the coordinator no longer gives to this site.
    const repeated = await forged(federation, 'birch', 'broadcast', () => ({}))
    await ash().worker.perform({ kind: 'contribute', broadcast: repeated })
    const changed = await forged(federation, 'birch', 'broadcast', () => ({ model: hashBytes(new Uint8Array(4)) }))
    federation.onModel = () => new Uint8Array(4)
    await ash()
      .worker.perform({ kind: 'contribute', broadcast: changed })
      .catch(() => undefined)
    expect(ash().gate.trace.slice(before.length)).not.toContain('execute')
    expect(left('contribution')).toMatchObject([{ times: 2 }])
    expect(ash().charged().size).toBe(1)
  })

  it('begun with stays the only one, also when nothing was sealed yet (R3)', async () => {
    ash().execute = () => Promise.reject(new Error('out of memory'))
    // It withdraws at once; where that is lost, the coordinator asks again.
    federation.faults.set(ash().name, 'request lost')
    expect((await ash().turn()).error).toMatchObject({ code: 'UNAVAILABLE' })
    const before = ash().gate.trace.length
    await serve((model) => model.with(0, model[0]! ^ 1))
    expect(ash().gate.trace.slice(before)).toEqual(['client.withdraw'])
    expect(left('contribution')).toHaveLength(0)
    expect(left('withdrawal')).toMatchObject([{ times: 2 }])
  })
})
