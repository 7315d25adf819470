import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { packFrame } from '@tributary/shared/he/frame'
import { blocksOfPart, partCount } from '@tributary/shared/he/parts'
import { ringFacts } from '@tributary/shared/he/ring-parameters'
import type { SlotLayout } from '@tributary/shared/he/slots'
import { type Digest, type RoundId, roundId, type SiteId, siteId } from '@tributary/shared/ids'
import { makeFolder } from '@tributary/shared/store/durable-folder'
import { hashBytes } from '@tributary/shared/wire/canonical'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ContributionStore } from './contribution-store.ts'

/** The modulus of the secure ring with blocks that are quick to write. */
const ring = { degree: 8, q: ringFacts.q }
const layoutOf = (blocks: number, degree = ring.degree): SlotLayout => ({
  dimension: blocks * degree,
  contributors: 64,
  valuesPerCoefficient: 1,
  slotBits: 40,
  scaleBits: 16,
  bound: 2 ** 30,
})
const blocks = 19
const layout = layoutOf(blocks)
const round = roundId('12'.repeat(32))

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tributary-contributions-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

interface Sealed {
  readonly site: SiteId
  readonly residues: BigUint64Array
  readonly parts: readonly Uint8Array[]
  readonly hashes: readonly Digest[]
}

/** Residues from the whole range of q, one vector a seed. */
const sealed = (name: string, seed: number): Sealed => {
  const residues = new BigUint64Array(blocks * ring.degree)
  let state = BigInt(seed) + 1n
  for (let i = 0; i < residues.length; i++) {
    state = (state * 6364136223846793005n + 1442695040888963407n) & (2n ** 64n - 1n)
    residues[i] = state % ring.q.value
  }
  const parts = Array.from({ length: partCount(blocks) }, (_, part) => {
    const start = part * 8 * ring.degree
    return packFrame(ring, residues.subarray(start, start + blocksOfPart(blocks, part) * ring.degree))
  })
  return { site: siteId(name), residues, parts, hashes: parts.map(hashBytes) }
}

const sumOf = (vectors: readonly Sealed[]): bigint[] =>
  Array.from({ length: blocks * ring.degree }, (_, i) =>
    vectors.reduce((sum, { residues }) => (sum + (residues[i] as bigint)) % ring.q.value, 0n),
  )

const send = async (store: ContributionStore, { site, parts, hashes }: Sealed, in_: RoundId = round) => {
  const { missing } = await store.begin(in_, site, hashes, layout)
  for (const part of missing) await store.put(in_, site, part, parts[part] as Uint8Array)
  return await store.settle(in_, site)
}
const opened = async (store: ContributionStore, vectors: readonly Sealed[]) => [
  ...(await store.sum(round, vectors, layout)).residues(),
]
const fileOf = ({ site }: Sealed) => join(folder, round, site)
const damage = (path: string, at: number) => {
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] as number) ^ 1
  writeFileSync(path, bytes)
}

describe('the sum of what arrived', () => {
  it('is that of the contributors whatever the order of parts, restarts, damage to what is on its way, and others who sent', async () => {
    const vectors = ['a', 'b', 'c', 'd'].map((name, i) => sealed(name, i))
    const places = vectors.flatMap((_, who) => [0, 1, 2].map((part) => ({ who, part })))
    const order = fc.shuffledSubarray(places, { minLength: places.length })
    /** After which of the steps the program restarts, and whether the file of the part before is damaged meanwhile. */
    const restarts = fc.array(fc.record({ after: fc.nat(places.length - 1), isDamaged: fc.boolean() }), {
      maxLength: 3,
    })
    await fc.assert(
      fc.asyncProperty(order, restarts, fc.subarray([0, 1, 2, 3], { minLength: 1 }), async (steps, cuts, members) => {
        rmSync(join(folder, round), { recursive: true, force: true })
        let store = await ContributionStore.open(folder, ring)
        const begin = async (each: Sealed) => (await store.begin(round, each.site, each.hashes, layout)).missing
        for (const each of vectors) await begin(each)
        for (const [at, { who, part }] of steps.entries()) {
          const vector = vectors[who] as Sealed
          await store.put(round, vector.site, part, vector.parts[part] as Uint8Array)
          const cut = cuts.find(({ after }) => after === at)
          if (cut === undefined) continue
          if (cut.isDamaged) damage(fileOf(vector), 3 + part * (vector.parts[0] as Uint8Array).length)
          store = await ContributionStore.open(folder, ring)
          for (const each of vectors) {
            const missing = await begin(each)
            // Whatever is held need not be sent again; what was damaged is asked for.
            if (each === vector) expect(missing.includes(part)).toBe(cut.isDamaged)
          }
        }
        const contributors = members.map((i) => vectors[i] as Sealed)
        for (const each of contributors) expect(await send(store, each)).toBe(true)
        expect(await opened(store, contributors)).toEqual(sumOf(contributors))
        // Handed over: asked again, it is made from the disk.
        expect(await opened(store, contributors)).toEqual(sumOf(contributors))
      }),
      { numRuns: 60 },
    )
  })

  it('memory: one vector, with forty sites as with three', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    // Buffers that the file system has just let go of are freed some turns later.
    const held = async () => {
      let least = Number.POSITIVE_INFINITY
      for (let i = 0; i < 10; i++) {
        await nextTurn()
        collect()
        least = Math.min(least, process.memoryUsage().arrayBuffers)
      }
      return least
    }
    const large = { degree: 4096, q: ringFacts.q }
    const vectorBlocks = 48
    const wide = layoutOf(vectorBlocks, large.degree)
    const vectorBytes = vectorBlocks * large.degree * 8
    const frame = packFrame(large, new BigUint64Array(8 * large.degree).fill(3n))
    const hashes = Array.from({ length: 6 }, () => hashBytes(frame))
    const grown = async (sites: number) => {
      const store = await ContributionStore.open(join(folder, `${sites}`), large)
      const before = await held()
      for (let i = 0; i < sites; i++) {
        const site = siteId(`s${i}`)
        await store.begin(round, site, hashes, wide)
        for (const part of hashes.keys()) await store.put(round, site, part, frame)
        if (i % 2 === 0) await store.settle(round, site)
      }
      return (await held()) - before
    }
    for (const sites of [3, 40]) {
      const bytes = await grown(sites)
      expect(bytes).toBeGreaterThan(0.99 * vectorBytes)
      expect(bytes).toBeLessThan(1.5 * vectorBytes)
    }
  })
})

describe('a part', () => {
  it('that was not offered, of other bytes, truncated, overlong or no frame is refused and changes nothing', async () => {
    const store = await ContributionStore.open(folder, ring)
    const [a, b] = [sealed('a', 1), sealed('b', 2)]
    const [part] = a.parts as [Uint8Array]
    const notReduced = part.slice().fill(255, 16)
    const hashes = [hashBytes(notReduced), ...a.hashes.slice(1)]
    await store.begin(round, b.site, hashes, layout)
    await store.begin(round, a.site, a.hashes, layout)
    const refused = { code: 'FRAME_INVALID' }
    await expect(store.put(round, a.site, 3, part)).rejects.toMatchObject(refused)
    await expect(store.put(round, a.site, -1, part)).rejects.toMatchObject(refused)
    await expect(store.put(round, a.site, 1, part)).rejects.toMatchObject(refused)
    await expect(store.put(round, a.site, 0, part.subarray(1))).rejects.toMatchObject(refused)
    await expect(store.put(round, a.site, 0, Buffer.concat([part, part]))).rejects.toMatchObject(refused)
    await expect(store.put(round, b.site, 0, notReduced)).rejects.toMatchObject(refused)
    expect((await store.begin(round, b.site, hashes, layout)).missing).toEqual([0, 1, 2])
    expect(readdirSync(join(folder, round))).toEqual([])
    await send(store, a)
    expect(await opened(store, [a])).toEqual(sumOf([a]))
  })

  it('sent by two connections at once, or twice, is added once', async () => {
    const store = await ContributionStore.open(folder, ring)
    const a = sealed('a', 1)
    const each = async () => {
      await store.begin(round, a.site, a.hashes, layout)
      for (const part of [2, 0, 1, 0, 2]) await store.put(round, a.site, part, a.parts[part] as Uint8Array)
      return await store.settle(round, a.site)
    }
    expect(await Promise.all([each(), each(), each()])).toEqual([true, true, true])
    expect(await opened(store, [a])).toEqual(sumOf([a]))
  })

  it('that comes after the sum was handed over, or before an offer, is to be offered again', async () => {
    const store = await ContributionStore.open(folder, ring)
    const [a, b] = [sealed('a', 1), sealed('b', 2)]
    const late = () => store.put(round, b.site, 0, b.parts[0] as Uint8Array)
    await expect(late()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await send(store, a)
    await store.begin(round, b.site, b.hashes, layout)
    const adding = late()
    const sum = store.sum(round, [a], layout)
    await adding.catch(() => undefined)
    await expect(late()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect([...(await sum).residues()]).toEqual(sumOf([a]))
  })
})

describe('a contribution', () => {
  it('is one an attempt: other hashes are refused (R3), and so is another number of parts than the plan has', async () => {
    const store = await ContributionStore.open(folder, ring)
    const [a, b] = [sealed('a', 1), sealed('b', 2)]
    await store.begin(round, a.site, a.hashes, layout)
    await expect(store.begin(round, a.site, b.hashes, layout)).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    const few = b.hashes.slice(1)
    await expect(store.begin(round, b.site, few, layout)).rejects.toMatchObject({ code: 'FRAME_INVALID' })
  })

  it('damaged on the disk is asked for again before it counts, and is STATE_CORRUPT after', async () => {
    const a = sealed('a', 1)
    for (const spoil of [() => damage(fileOf(a), 20), () => truncateSync(fileOf(a), 200), () => rmSync(fileOf(a))]) {
      rmSync(join(folder, round), { recursive: true, force: true })
      expect(await send(await ContributionStore.open(folder, ring), a)).toBe(true)
      spoil()
      const again = await ContributionStore.open(folder, ring)
      const refused = { code: 'STATE_CORRUPT', message: expect.stringMatching(/^part [012] of what a contributed/) }
      await expect(again.sum(round, [a], layout)).rejects.toMatchObject(refused)
      const { complete, missing } = await again.begin(round, a.site, a.hashes, layout)
      expect([complete, missing.length > 0]).toEqual([false, true])
      expect(await send(again, a)).toBe(true)
      expect(await opened(again, [a])).toEqual(sumOf([a]))
    }
  })

  it('of somebody outside the set whose file is damaged does not spoil the sum of the set', async () => {
    const store = await ContributionStore.open(folder, ring)
    const [a, b, c] = [sealed('a', 1), sealed('b', 2), sealed('c', 3)]
    for (const each of [a, b, c]) await send(store, each)
    damage(fileOf(b), 20)
    expect(await opened(store, [a, c])).toEqual(sumOf([a, c]))
  })

  it('that finds the disk full is told so and leaves the sum as it was', async () => {
    const store = await ContributionStore.open(folder, ring)
    const [a, b] = [sealed('a', 1), sealed('b', 2)]
    await send(store, a)
    symlinkSync('/dev/full', fileOf(b))
    await expect(send(store, b)).rejects.toMatchObject({ code: 'DISK_FULL', place: { file: 'b' } })
    expect((await store.begin(round, b.site, b.hashes, layout)).missing).toEqual([0, 1, 2])
    rmSync(fileOf(b))
    expect(await send(store, b)).toBe(true)
    expect(await opened(store, [a, b])).toEqual(sumOf([a, b]))
  })

  it('whose file could not be synced counts as not sent, and the sum of the others stays', async () => {
    const store = await ContributionStore.open(folder, ring)
    const [a, b] = [sealed('a', 1), sealed('b', 2)]
    await send(store, a)
    await store.begin(round, b.site, b.hashes, layout)
    for (const part of [0, 1, 2]) await store.put(round, b.site, part, b.parts[part] as Uint8Array)
    // No file can be synced that is gone.
    rmSync(fileOf(b))
    await expect(store.settle(round, b.site)).rejects.toThrow()
    expect((await store.begin(round, a.site, a.hashes, layout)).complete).toBe(true)
    expect((await store.begin(round, b.site, b.hashes, layout)).missing).toEqual([0, 1, 2])
    expect(await send(store, b)).toBe(true)
    expect(await opened(store, [a, b])).toEqual(sumOf([a, b]))
  })
})

it('only the rounds that are named stay, those begun meanwhile too; files of an earlier version go', async () => {
  const store = await ContributionStore.open(folder, ring)
  const a = sealed('a', 1)
  const [other, third] = [roundId('34'.repeat(32)), roundId('56'.repeat(32))]
  await send(store, a)
  await send(store, a, other)
  writeFileSync(join(folder, 'ab'.repeat(32)), 'a contribution as a blob')
  makeFolder(join(folder, 'left'))
  const removing = store.keepOnly(new Set([other]))
  const sending = send(store, a, third)
  await Promise.all([removing, sending])
  expect(readdirSync(folder).toSorted()).toEqual([other, third])
  await expect(store.put(round, a.site, 0, a.parts[0] as Uint8Array)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect((await store.begin(other, a.site, a.hashes, layout)).complete).toBe(true)
})
