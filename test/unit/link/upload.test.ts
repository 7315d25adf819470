import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServiceError } from '@grpc/grpc-js'
import { CodedError } from '@tributary/shared/errors'
import { packFrame } from '@tributary/shared/he/frame'
import { ringFacts } from '@tributary/shared/he/ring-parameters'
import type { SlotLayout } from '@tributary/shared/he/slots'
import { type Digest, type RoundId, roundId, siteId } from '@tributary/shared/ids'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { errorOfStatus } from '@tributary/shared/wire/envelope-error'
import { mostParts, offerFields, partBytes, partFields } from '@tributary/shared/wire/envelope-upload'
import type { FederationHandlers, UploadPart, UploadState } from '@tributary/shared/wire/federation-api'
import { Rounds } from '@tributary/shared/wire/proto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ContributionStore } from '../../../coordinator/aggregate/contribution-store.ts'
import { readEnrolmentRecord } from '../../../site-agent/enrolment/enrolment-record.ts'
import { openSiteKeys } from '../../../site-agent/enrolment/site-keys.ts'
import { connect, type SiteClient } from '../../../site-agent/link/client.ts'
import { clock, north, signedFor, startFederation, type TestFederation } from './federation-fixture.ts'

const round = roundId('12'.repeat(32))
const message = signedFor('contribution', round)
const count = 6
const blocks = 8 * count
const layout: SlotLayout = {
  dimension: blocks * ringFacts.degree,
  contributors: 3,
  valuesPerCoefficient: 1,
  slotBits: 40,
  scaleBits: 16,
  bound: 1000,
}
const frames = Array.from({ length: count }, (_, part) =>
  packFrame(ringFacts, new BigUint64Array(8 * ringFacts.degree).fill(BigInt(part + 1))),
)
const hashes = frames.map(hashBytes)

let folder = ''
let store: ContributionStore
/** What the coordinator was told of, and what a test does about it. */
let received: number[] = []
let offers = 0
let calls = 0
let onPart = async (_part: UploadPart): Promise<void> => {}
const held = (named: RoundId): Promise<UploadState> => store.begin(named, north, hashes, layout)
let progress = held
let onOffer = (offered: readonly Digest[]): Promise<UploadState> => store.begin(round, north, offered, layout)
let offerReply = (state: UploadState): UploadState => state

const handlers: Partial<FederationHandlers> = {
  offer: async (_peer, _message, offered) => {
    offers += 1
    return offerReply(await onOffer(offered))
  },
  parts: async (_peer, named, parts) => {
    calls += 1
    for await (const each of parts) {
      await store.put(named, north, each.part, each.data)
      received.push(each.part)
      await onPart(each)
    }
    return await progress(named)
  },
}

let federation: TestFederation
let proxy: Awaited<ReturnType<typeof breakable>>
let client: SiteClient

/** Passes bytes on to the coordinator, until `cut` breaks every connection there is. */
const breakable = async (address: string) => {
  const [host = '', port] = address.split(':')
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connectTcp(Number(port), host)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far)
    far.pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    stop: () => {
      cut()
      server.close()
    },
  }
}

/** Pauses between tries are a tenth of what they are. */
const hasty = { ...clock, sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms / 10, signal) }

beforeAll(async () => {
  federation = await startFederation(handlers)
  await federation.join(north)
  proxy = await breakable(federation.address)
  const { ca, certificate } = readEnrolmentRecord(federation.siteFolder(north))
  const key = openSiteKeys(federation.siteFolder(north)).tlsKey
  client = connect({ address: proxy.address, ca, certificate, key, clock: hasty, patienceMs: 5_000 })
})
afterAll(async () => {
  client.close()
  proxy.stop()
  await federation.stop()
})
beforeEach(async () => {
  folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tributary-upload-'))
  store = await ContributionStore.open(folder, ringFacts)
  received = []
  offers = 0
  calls = 0
  onPart = async () => {}
  progress = held
  onOffer = (offered) => store.begin(round, north, offered, layout)
  offerReply = (state) => state
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Every residue of part p is p + 1. */
const isWhole = async () => {
  const sum = await store.sum(round, [{ site: north, hashes }], layout)
  return sum.residues().every((residue, i) => residue === BigInt(Math.floor(i / (8 * ringFacts.degree)) + 1))
}

describe('a contribution', () => {
  it('arrives byte for byte, every part once, and is not sent again once it is complete', async () => {
    await client.contribute(message, frames)
    expect([received, offers]).toEqual([[0, 1, 2, 3, 4, 5], 1])
    await client.contribute(message, frames)
    expect([received.length, offers]).toEqual([6, 2])
    expect(await isWhole()).toBe(true)
  })

  it.each([0, 1, 2, 3, 4, 5])('whose connection breaks at part %i goes on with what is missing', async (torn) => {
    onPart = async ({ part }) => {
      if (part === torn) proxy.cut()
    }
    await client.contribute(message, frames)
    // What the coordinator had when it was asked again was not sent again.
    expect(received.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5])
    expect(offers).toBe(2)
    expect(await isWhole()).toBe(true)
  })

  it('is sent in the order of what is missing, after a coordinator that was killed and came back with some of it', async () => {
    await store.begin(round, north, hashes, layout)
    for (const part of [4, 1]) await store.put(round, north, part, frames[part] as Uint8Array)
    store = await ContributionStore.open(folder, ringFacts)
    await client.contribute(message, frames)
    expect(received).toEqual([0, 2, 3, 5])
    expect(await isWhole()).toBe(true)
  })

  it('that a restarted coordinator was not offered is offered again', async () => {
    onPart = async ({ part }) => {
      if (part === 2 && offers === 1) store = await ContributionStore.open(folder, ringFacts)
    }
    await client.contribute(message, frames)
    expect([received, offers]).toEqual([[0, 1, 2, 3, 4, 5], 2])
    expect(await isWhole()).toBe(true)
  })

  it('is refused as the coordinator refuses it, at once', async () => {
    for (const code of ['ROUND_REFUSED', 'DISK_FULL', 'FRAME_INVALID'] as const) {
      onPart = async () => {
        throw new CodedError(code, 'no')
      }
      await expect(client.contribute(message, frames)).rejects.toMatchObject({ code })
    }
    expect(received.length).toBe(3)
  })

  it('for which nothing is ever enough ends with the patience, and is not sent without end', async () => {
    const hurried = await federation.join(siteId('east'), 300)
    offerReply = () => ({ complete: false, missing: [0] })
    onPart = async () => {
      store = await ContributionStore.open(join(folder, `${received.length}`), ringFacts)
      await store.begin(round, north, hashes, layout)
    }
    await expect(hurried.contribute(message, frames)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(received.length).toBeLessThan(10)
  })

  it('gets the patience anew with every part that arrived', async () => {
    const patienceMs = 10_000
    const began = clock.now()
    let passed = 0
    const own = {
      now: () => began + passed,
      sleep: async (ms: number, signal?: AbortSignal) => {
        passed += ms
        await clock.sleep(ms / 10, signal)
      },
    }
    const { ca, certificate } = readEnrolmentRecord(federation.siteFolder(north))
    const key = openSiteKeys(federation.siteFolder(north)).tlsKey
    const slow = connect({ address: proxy.address, ca, certificate, key, clock: own, patienceMs })
    onPart = async () => {
      passed += 0.7 * patienceMs
      proxy.cut()
    }
    await slow.contribute(message, frames)
    slow.close()
    expect(passed).toBeGreaterThan(2 * patienceMs)
    expect(await isWhole()).toBe(true)
  })

  it('of many parts goes in calls of 64', async () => {
    // On a ring of an eighth of the degree, so that they are small.
    const eighth = { degree: ringFacts.degree / 8, q: ringFacts.q }
    const many = Array.from({ length: 130 }, () => packFrame(eighth, new BigUint64Array(ringFacts.degree).fill(5n)))
    const wide = { ...layout, dimension: 130 * ringFacts.degree }
    store = await ContributionStore.open(folder, eighth)
    progress = (named) => store.begin(named, north, many.map(hashBytes), wide)
    onOffer = (offered) => store.begin(round, north, offered, wide)
    await client.contribute(message, many)
    expect([calls, offers, received.length]).toEqual([3, 1, 130])
    expect(await progress(round)).toEqual({ complete: true, missing: [] })
  })

  it('asks the officer before every offer and every call with parts; a no ends the sending', async () => {
    const asked: number[] = []
    onPart = async ({ part }) => {
      if (part === 3) proxy.cut()
    }
    const guard = () => {
      asked.push(received.length)
      if (asked.length === 3) throw new CodedError('ROUND_REFUSED', 'paused')
    }
    await expect(client.contribute(message, frames, guard)).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    // Offer, parts, then the offer after the break.
    expect(asked.slice(0, 2)).toEqual([0, 0])
    expect(offers).toBe(1)
  })

  it.each([
    ['a part that there is not', { complete: false, missing: [0, 6] }],
    ['a part twice', { complete: false, missing: [2, 2] }],
    ['parts out of order', { complete: false, missing: [2, 1] }],
    ['nothing, and is incomplete', { complete: false, missing: [] }],
    ['something, and is complete', { complete: true, missing: [1] }],
  ])('sends nothing to a coordinator that misses %s', async (_, reply) => {
    offerReply = () => reply
    await expect(client.contribute(message, frames)).rejects.toMatchObject({
      code: 'FRAME_INVALID',
      place: { field: 'missing' },
    })
    expect(received).toEqual([])
  })
})

describe('below the typed client', () => {
  const send = (parts: object[]) =>
    new Promise<{ complete: boolean; missing: number[] }>((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = Rounds.service.SendParts
      const raw = federation.raw(north)
      const done = (error: ServiceError | null, reply?: { complete: boolean; missing: number[] }) => {
        raw.close()
        if (error === null) resolve(reply as { complete: boolean; missing: number[] })
        else reject(errorOfStatus(error))
      }
      const call = raw.makeClientStreamRequest(path, requestSerialize, responseDeserialize, done)
      call.on('error', () => {})
      for (const part of parts) call.write(part as never)
      call.end()
    })
  const offer = (offered: readonly Digest[] | Buffer[]) =>
    new Promise<{ missing: number[] }>((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = Rounds.service.OfferContribution
      const raw = federation.raw(north)
      const fields = {
        ...offerFields(message, []),
        partHashes: offered.map((each) => Buffer.from(each as string, 'hex')),
      }
      raw.makeUnaryRequest(path, requestSerialize, responseDeserialize, fields, (error: ServiceError | null, reply) => {
        raw.close()
        if (error === null) resolve(reply as { missing: number[] })
        else reject(errorOfStatus(error))
      })
    })
  const whole = (part: number, data: Uint8Array = frames[part] as Uint8Array, of: RoundId = round) =>
    partFields(of, part, data)
  const begin = () => store.begin(round, north, hashes, layout)

  it('parts in any order, some of them twice, are taken once each', async () => {
    await begin()
    expect(await send([5, 0, 5, 3].map((part) => whole(part)))).toMatchObject({ complete: false, missing: [1, 2, 4] })
    expect(await send([3, 4, 2, 2, 1].map((part) => whole(part)))).toMatchObject({ complete: true, missing: [] })
    expect(await isWhole()).toBe(true)
  })

  it('a truncated, overlong, altered or misplaced part is refused, and what came before it stays', async () => {
    const frame = frames[1] as Uint8Array
    const altered = frame.slice().fill(9, 100, 101)
    const cases = [
      whole(1, frame.subarray(0, frame.length - 1)),
      whole(1, Buffer.concat([frame, Buffer.alloc(1)])),
      whole(1, Buffer.alloc(partBytes + 1)),
      whole(1, new Uint8Array(0)),
      whole(1, altered),
      whole(2, frame),
      whole(count, frame),
      whole(mostParts, frame),
      whole(1, frame, roundId('34'.repeat(32))),
    ]
    for (const wrong of cases) {
      await begin()
      await expect(send([whole(0), wrong, whole(3)])).rejects.toMatchObject({ code: 'FRAME_INVALID' })
      expect((await begin()).missing).not.toContain(0)
    }
    expect((await begin()).missing).toContain(1)
  })

  it('a stream with no part, of no round, or of another version never reaches the handler', async () => {
    await expect(send([])).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    await expect(send([whole(0, frames[0], '../x' as RoundId)])).rejects.toMatchObject({ code: 'ID_MALFORMED' })
    await expect(send([{ ...whole(0), protocol: 7 }])).rejects.toMatchObject({ code: 'PROTOCOL_UNSUPPORTED' })
    expect(received).toEqual([])
  })

  it('an offer of no parts, too many, or with a hash of another length never reaches the handler', async () => {
    const refused = { code: 'FRAME_INVALID', place: { field: 'part_hashes' } }
    await expect(offer([])).rejects.toMatchObject(refused)
    await expect(offer(Array.from({ length: mostParts + 1 }, () => hashes[0] as Digest))).rejects.toMatchObject(refused)
    await expect(offer(['ab'.repeat(31) as Digest])).rejects.toMatchObject(refused)
    expect(offers).toBe(0)
    expect(await offer(hashes)).toMatchObject({ missing: [0, 1, 2, 3, 4, 5] })
  })
})
