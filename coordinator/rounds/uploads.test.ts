import { networkBlock } from '@tributary/shared/synthesizers/autoregressive/study-network'
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { CodedError } from '@tributary/shared/errors'
import { partsDigest } from '@tributary/shared/he/parts'
import type { Digest, RoundId, SiteId } from '@tributary/shared/ids'
import { freezeStudy } from '@tributary/shared/study/manifest'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { openBody, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { UploadPart } from '@tributary/shared/wire/federation-api'
import { memberOf } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { afterEach, expect, it } from 'vitest'
import { InProcessFederation } from '../../test/harness/in-process-federation.ts'
import { checkInvariants } from '../../test/harness/round-invariants.ts'
import { tinyStudy } from '../../test/harness/tiny-study.ts'

let federation: InProcessFederation
afterEach(() => federation.close())

const spares = { marginals: 1, gradient: 2 }

/** A gradient of several parts on the ring of degree 256. */
const wide = (): Manifest => {
  const tiny = tinyStudy({ sites: 3, least: 3, steps: 1, spares })
  const { plan: _, ...draft } = { ...tiny, family: { ...networkBlock(tiny), hidden: 1_600 } }
  return freezeStudy(draft)
}

interface Taken {
  readonly message: SignedMessage
  readonly hashes: readonly Digest[]
  readonly parts: readonly UploadPart[]
  readonly round: RoundId
}

/** What each of these sites would send now, kept from the coordinator: the connection breaks before any of it arrives. */
const intercepted = async (sites: readonly string[]): Promise<Map<SiteId, Taken>> => {
  const { coordinator } = federation
  const honest = coordinator.handlers
  const taken = new Map<SiteId, Taken>()
  const offered = new Map<SiteId, Pick<Taken, 'message' | 'hashes'>>()
  coordinator.handlers = {
    ...honest,
    offer: async ({ site }, message, hashes) => {
      offered.set(site, { message, hashes })
      return { complete: false, missing: [...hashes.keys()] }
    },
    parts: async ({ site }, round, stream) => {
      const parts: UploadPart[] = []
      for await (const each of stream) parts.push(each)
      taken.set(site, { ...(offered.get(site) as Pick<Taken, 'message' | 'hashes'>), parts, round })
      throw new CodedError('UNAVAILABLE', 'the connection broke')
    },
  }
  await federation.turns(sites)
  coordinator.handlers = honest
  expect([...taken.keys()].toSorted()).toEqual([...sites].toSorted())
  return taken
}

const peer = (site: SiteId) => ({ site, serial: '01' })
const offer = (site: SiteId, { message, hashes }: Taken) =>
  federation.coordinator.handlers.offer(peer(site), message, hashes)
const send = (site: SiteId, { round }: Taken, parts: readonly UploadPart[]) => {
  async function* stream() {
    yield* parts
  }
  return federation.coordinator.handlers.parts(peer(site), round, stream())
}

it('parts of all sites in one shuffled order, with restarts between them, add up to what was sent', async () => {
  federation = await InProcessFederation.open(wide())
  await federation.reach('contributing', 1)
  const taken = await intercepted(['ash', 'birch', 'cedar'])
  const all = [...taken].flatMap(([site, each]) => each.parts.map((part) => ({ site, each, part })))
  expect(all.length).toBeGreaterThan(8)
  // The same shuffle every time: by the hash of the part.
  const order = all.toSorted((a, b) =>
    (a.each.hashes[a.part.part] ?? '') < (b.each.hashes[b.part.part] ?? '') ? -1 : 1,
  )
  for (const [site, each] of taken) await offer(site, each)
  for (const [at, { site, each, part }] of order.entries()) {
    if (at % 4 === 3) {
      await federation.restartCoordinator()
      await expect(send(site, each, [part])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
      for (const [name, mine] of taken) {
        const { missing } = await offer(name, mine)
        const before = order.slice(0, at).filter((earlier) => earlier.site === name)
        // The restart lost nothing.
        expect(missing).toEqual(
          [...mine.hashes.keys()].filter((i) => before.every((earlier) => earlier.part.part !== i)),
        )
      }
    }
    const { complete, missing } = await send(site, each, [part])
    const isLast = !order.slice(at + 1).some((later) => later.site === site)
    expect([complete, missing.length === 0]).toEqual([isLast, isLast])
  }
  await federation.complete()
  expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
  await checkInvariants(federation)
})

it('a contribution that ends as the deadline passes counts and is acknowledged, or neither (R4)', async () => {
  const outcomes = new Set<string>()
  for (const turns of [0, 30, 300, 20_000]) {
    if (turns > 0) federation.close()
    federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares })
    await federation.reach('contributing')
    const [[site, late] = [] as never] = await intercepted(['date'])
    await federation.turns(['ash', 'birch', 'cedar'])
    await offer(site, late)
    const sending = send(site, late, late.parts).catch((thrown: unknown) => thrown)
    for (let i = 0; i < turns; i++) await nextTurn()
    if (federation.round.phase === 'contributing') await federation.advance(600_000)
    const reply = await sending
    const { round, phase, contributors } = federation.round
    expect([round, phase]).toEqual([late.round, 'answering'])
    const isCounted = contributors.includes(site)
    if (isCounted) expect(reply).toEqual({ complete: true, missing: [] })
    else expect(reply).toMatchObject({ code: 'ROUND_REFUSED' })
    outcomes.add(isCounted ? 'counted' : 'refused')
    await federation.complete()
    expect(federation.coordinator.opened[0]?.counts).toEqual([1, 1, 1, isCounted ? 1 : 0])
    await checkInvariants(federation)
  }
  expect(outcomes).toEqual(new Set(['counted', 'refused']))
})

it('two connections of one site at once, and an acknowledgement that was lost: it counts once', async () => {
  federation = await InProcessFederation.open({ sites: 3, least: 3, steps: 1, spares })
  await federation.reach('contributing')
  const [[site, ash] = [] as never] = await intercepted(['ash'])
  await offer(site, ash)
  const replies = await Promise.all([send(site, ash, ash.parts), offer(site, ash), send(site, ash, ash.parts)])
  expect(replies.filter(({ complete }) => complete).length).toBeGreaterThan(0)
  expect(await send(site, ash, ash.parts)).toEqual({ complete: true, missing: [] })
  expect(await offer(site, ash)).toEqual({ complete: true, missing: [] })
  await federation.complete()
  expect(federation.coordinator.opened[0]?.counts).toEqual([1, 1, 1])
  await checkInvariants(federation)
})

it('more parts in one call than there are is refused, and nothing is taken of a site that withdrew or has no deal', async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares })
  await federation.reach('contributing')
  const taken = await intercepted(['ash', 'birch'])
  const [[ash, a], [birch, b]] = [...taken] as [[SiteId, Taken], [SiteId, Taken]]
  const [part] = a.parts as [UploadPart]
  await expect(send(ash, a, [part])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await offer(ash, a)
  await offer(birch, b)
  await federation.coordinator.runs.all()[0]?.run.dispatch(federation.round, { type: 'withdrew', site: birch })
  await expect(send(birch, b, b.parts)).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
  await expect(offer(birch, b)).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
  const { hashes } = a
  const wrong = { part: part.part, data: part.data.slice(1) }
  await expect(
    send(
      ash,
      a,
      Array.from({ length: hashes.length + 1 }, () => wrong),
    ),
  ).rejects.toMatchObject({
    code: 'FRAME_INVALID',
  })
  expect(federation.round.contributors).toEqual([])
})

it('a site that withdraws before its last part is settled is told that it does not count', async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares })
  await federation.reach('contributing')
  const [[site, ash] = [] as never] = await intercepted(['ash'])
  const { coordinator } = federation
  await offer(site, ash)
  async function* stream() {
    yield* ash.parts
    await coordinator.runs.all()[0]?.run.dispatch(federation.round, { type: 'withdrew', site })
  }
  const sending = coordinator.handlers.parts(peer(site), ash.round, stream())
  await expect(sending).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
  expect(coordinator.rounds.message(ash.round, 'contribution', site)).toBeUndefined()
  await federation.complete()
  expect(coordinator.opened[0]?.counts).toEqual([0, 1, 1, 1])
  await checkInvariants(federation)
})

it('a full disk is told to the site, and the contribution is taken when there is room', async () => {
  federation = await InProcessFederation.open({ sites: 3, least: 3, steps: 1, spares })
  await federation.reach('contributing')
  const file = join(federation.folder, 'coordinator', 'contributions', federation.study, federation.round.round, 'ash')
  mkdirSync(dirname(file), { recursive: true })
  symlinkSync('/dev/full', file)
  expect((await federation.site('ash').turn()).error).toMatchObject({ code: 'DISK_FULL' })
  expect(federation.round.contributors).toEqual([])
  rmSync(file)
  await federation.complete()
  expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
  expect(federation.coordinator.opened[0]?.counts).toEqual([1, 1, 1])
  await checkInvariants(federation)
})

it('nothing of a round that is over is made anew for parts that end too late', async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares })
  await federation.reach('contributing')
  const [[site, late] = [] as never] = await intercepted(['date'])
  const folder = join(federation.folder, 'coordinator', 'contributions', federation.study, late.round)
  await federation.turns(['ash', 'birch', 'cedar'])
  await offer(site, late)
  async function* stream() {
    yield* late.parts.slice(0, -1)
    await federation.advance(600_000)
    await federation.turns(['ash', 'birch', 'cedar', 'date'])
    await federation.advance(600_000)
    expect(federation.coordinator.rounds.round(federation.study, 0, 0)).toMatchObject({ phase: 'opened' })
    expect(existsSync(folder)).toBe(false)
  }
  const sending = federation.coordinator.handlers.parts(peer(site), late.round, stream())
  await expect(sending).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
  expect(existsSync(folder)).toBe(false)
  await federation.complete()
  await checkInvariants(federation)
})

it('R3 other bytes than were offered before are refused, by a coordinator that was started again too', async () => {
  federation = await InProcessFederation.open({ sites: 3, least: 3, steps: 1, spares })
  await federation.reach('contributing')
  const [[site, ash] = [] as never] = await intercepted(['ash'])
  const body = openBody('contribution', ash.message, memberOf(federation.roster, site))
  const hashes = ash.hashes.map((_, i) => hashBytes(Uint8Array.of(i)))
  const other = { ...body, ciphertext: partsDigest(hashes) }
  const message = signBody('contribution', site, other, federation.identityOf(site))
  await offer(site, ash)
  for (let starts = 0; starts < 2; starts++) {
    await expect(offer(site, { ...ash, message, hashes })).rejects.toMatchObject({
      code: 'ROUND_REFUSED',
      message: 'ash has offered another contribution to this attempt',
    })
    await federation.restartCoordinator()
  }
  await offer(site, ash)
  expect(await send(site, ash, ash.parts)).toEqual({ complete: true, missing: [] })
  await federation.complete()
  await checkInvariants(federation)
})
