import { createHash, randomBytes } from 'node:crypto'
import type { ServiceError } from '@grpc/grpc-js'
import { CodedError } from '@tributary/shared/errors'
import { type RoundId, roundId, studyId } from '@tributary/shared/ids'
import { signedFields } from '@tributary/shared/wire/envelope'
import { errorOfStatus } from '@tributary/shared/wire/envelope-error'
import type { CoordinatorClient, PeerIdentity, Task } from '@tributary/shared/wire/federation-api'
import { Enrolment, Federation } from '@tributary/shared/wire/proto'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clock, hash, north, signed, startFederation, type TestFederation } from './federation-fixture.ts'

const round = roundId('12'.repeat(32))
const study = studyId('34'.repeat(32))
const model = randomBytes(10 * 2 ** 20 + 17)
const seen: { peer?: PeerIdentity; message?: SignedMessage; bytes?: Buffer; aborted?: boolean } = {}
let task: Task = { kind: 'wait' }
let thrown: Error = new CodedError('ROUND_REFUSED', 'no')
let pulled = 0

let federation: TestFederation
let client: CoordinatorClient
beforeAll(async () => {
  federation = await startFederation({
    next: async (_peer, { waitMs }, signal) => {
      if (waitMs > 0) await clock.sleep(waitMs, signal)
      seen.aborted = signal.aborted
      return task
    },
    model: async function* () {
      for (let start = 0; start < model.length; start += 3_000_000) {
        pulled += 1
        yield model.subarray(start, start + 3_000_000)
      }
    },
    boxes: async () =>
      Array.from({ length: 64 }, (_, i) => ({ deal: signed('deal', `${i}`), box: Buffer.alloc(90_000, i) })),
    studies: async () => [{ study, manifest: Buffer.from('yaml'), roster: hash, state: 'offered' }],
    putDeal: async (peer, message, boxes) => void Object.assign(seen, { peer, message, bytes: Buffer.concat(boxes) }),
    approve: async (peer, message) => void Object.assign(seen, { peer, message }),
    countersign: async () => {
      throw thrown
    },
  })
  client = await federation.join(north)
})
afterAll(() => federation.stop())

const rawCall = (method: typeof Federation.service.GetRoster | typeof Enrolment.service.Enrol, fields: object) =>
  new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = method as typeof Federation.service.GetRoster
    const raw = federation.raw(north)
    raw.makeUnaryRequest(path, requestSerialize, responseDeserialize, fields, (error: ServiceError | null, reply) => {
      raw.close()
      if (error === null) resolve(reply)
      else reject(errorOfStatus(error))
    })
  })

const collect = async (pieces: AsyncIterable<Uint8Array>) => {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return all
}

describe('messages', () => {
  it('a signed message arrives as it was sent, with the peer of the certificate', async () => {
    const message = signed('approval', 'yes')
    await client.approve(message)
    expect({ ...seen.message, body: [...(seen.message?.body ?? [])] }).toEqual({
      ...message,
      body: [...message.body],
      signature: Buffer.from(message.signature),
    })
    expect(seen.peer?.site).toBe('north')
    expect(seen.peer?.serial).toMatch(/^[0-9a-f]{32}$/)
  })

  it('every kind of task survives the trip', async () => {
    const message = signed('broadcast', 'b')
    const copied = { ...message, body: Buffer.from(message.body), signature: Buffer.from(message.signature) }
    const tasks: Task[] = [
      { kind: 'wait' },
      { kind: 'deal', study, step: 300, attempt: 2, boxKeys: [copied] },
      { kind: 'check', study, step: 300, attempt: 2 },
      { kind: 'open-deal', study, step: 0, attempt: 0 },
      { kind: 'open-box', opening: copied },
      { kind: 'contribute', broadcast: copied },
      { kind: 'answer', announcement: copied },
      { kind: 'finished', study, outcome: 'completed', reason: '' },
      { kind: 'finished', study, outcome: 'stopped', reason: 'épuisé' },
    ]
    for (task of tasks) expect(await client.next({ study, waitMs: 0 })).toEqual(task)
  })

  it('offers, deals and boxes survive the trip, 64 boxes being more than one message may hold', async () => {
    const [offer] = await client.studies()
    expect(offer).toEqual({ study, manifest: Buffer.from('yaml'), roster: hash, state: 'offered' })
    await client.putDeal(signed('deal', 'd'), [Buffer.from([1]), Buffer.from([2, 3])])
    expect(seen.bytes).toEqual(Buffer.from([1, 2, 3]))
    const boxes = await client.boxes(round)
    expect(boxes.map(({ box }) => box[0])).toEqual(Array.from({ length: 64 }, (_, i) => i))
  })

  it('an unknown protocol version is refused with both versions named', async () => {
    const refused = { code: 'PROTOCOL_UNSUPPORTED', message: expect.stringMatching(/1.*7/) }
    await expect(rawCall(Federation.service.GetRoster, { protocol: 7 })).rejects.toMatchObject(refused)
    await expect(rawCall(Enrolment.service.Enrol, { protocol: 7 })).rejects.toMatchObject(refused)
    await expect(client.hello({ protocols: [7, 8], software: 't', session: '' })).rejects.toMatchObject(refused)
    await expect(client.hello({ protocols: [7, 1], software: 't', session: '' })).resolves.toEqual({
      protocol: 1,
      clockOffset: 0,
    })
    await expect(client.approve({ ...signed('approval', 'x'), protocol: 7 })).rejects.toMatchObject(refused)
  })

  it('a malformed round id is refused by its field, before any handler', async () => {
    const pieces = collect(client.model('../secret' as RoundId))
    await expect(pieces).rejects.toMatchObject({ code: 'ID_MALFORMED' })
  })
})

describe('streams', () => {
  it('10 MB of model arrive whole in chunks of at most 256 KiB', async () => {
    const pieces = await collect(client.model(round))
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(256 * 1024)
    const digestOf = (bytes: Uint8Array[]) =>
      bytes.reduce((sum, each) => sum.update(each), createHash('sha256')).digest('hex')
    expect(digestOf(pieces)).toBe(digestOf([model]))
  })

  it('a slow reader holds the sender back, and leaving early ends the call', async () => {
    pulled = 0
    for await (const _ of client.model(round)) {
      await clock.sleep(50)
      break
    }
    await clock.sleep(50)
    expect(pulled).toBeLessThan(4)
  })

  it('an aborted long poll ends on both sides', async () => {
    const controller = new AbortController()
    const polling = client.next({ study, waitMs: 30_000 }, controller.signal)
    await clock.sleep(30)
    seen.aborted = false
    controller.abort()
    await expect(polling).rejects.toMatchObject({ code: 'DEADLINE_PASSED' })
    await expect.poll(() => seen.aborted).toBe(true)
  })
})

describe('errors', () => {
  it('code, message and place survive the trip', async () => {
    thrown = new CodedError('BUDGET_EXCEEDED', 'größer als die Grenze', { place: { column: 'größe', line: 3 } })
    await expect(client.countersign(signed('countersignature', 'x'))).rejects.toMatchObject({
      code: 'BUDGET_EXCEEDED',
      message: 'größer als die Grenze',
      place: { column: 'größe', line: 3 },
    })
  })

  it('a bug crosses as its code alone: no text, stack, file name or cause', async () => {
    thrown = new TypeError('patient 4711 is null')
    const error: CodedError = await client.countersign(signed('countersignature', 'x')).catch((caught) => caught)
    expect(error).toMatchObject({ code: 'INTERNAL', message: 'unexpected TypeError', place: {} })
    const raw = await rawCountersign()
    expect(JSON.stringify([raw.code, raw.details, raw.metadata.getMap()])).not.toMatch(/4711|\.ts|at /)
    expect(federation.log.join('')).toContain('call failed')
  })

  it('terminal control characters of a coordinator do not reach the screen', async () => {
    thrown = new CodedError('ROUND_REFUSED', 'a\u001b[2Jb\r\nc')
    const error: CodedError = await client.countersign(signed('countersignature', 'x')).catch((caught) => caught)
    expect(error.message).toBe('a [2Jb c')
  })
})

const rawCountersign = () =>
  new Promise<ServiceError>((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = Federation.service.Countersign
    const raw = federation.raw(north)
    raw.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      signedFields(signed('contribution', 'x')),
      (error: ServiceError | null) => {
        raw.close()
        if (error === null) reject(new Error('it was accepted'))
        else resolve(error)
      },
    )
  })
