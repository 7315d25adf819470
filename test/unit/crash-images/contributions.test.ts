import { join } from 'node:path'
import { packFrame } from '@tributary/shared/he/frame'
import { ringFacts } from '@tributary/shared/he/ring-parameters'
import { roundId, siteId } from '@tributary/shared/ids'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { expect, it } from 'vitest'
import { ContributionStore } from '../../../coordinator/aggregate/contribution-store.ts'
import { expectSound } from '../../harness/crash-images.ts'

/* What a power cut may leave of contributions on their way: what was settled is whole, the rest is found by its hash or asked for. */
const ring = { degree: 4, q: ringFacts.q }
const layout = {
  dimension: 17 * ring.degree,
  contributors: 2,
  valuesPerCoefficient: 1 as const,
  slotBits: 40,
  scaleBits: 16,
  bound: 1000,
}
const [first, second] = ['12', '34'].map((pair) => roundId(pair.repeat(32))) as [ReturnType<typeof roundId>, never]
const sent = (name: string, seed: number) => {
  const parts = [8, 8, 1].map((blocks, i) =>
    packFrame(ring, new BigUint64Array(blocks * ring.degree).fill(BigInt(seed * 10 + i))),
  )
  return { site: siteId(name), parts, hashes: parts.map(hashBytes) }
}
type Sent = ReturnType<typeof sent>
const [ash, birch] = [sent('ash', 1), sent('birch', 2)]

/** In another order than that of the file. */
const send = async (store: ContributionStore, { site, parts, hashes }: Sent, round = first): Promise<void> => {
  const { missing } = await store.begin(round, site, hashes, layout)
  for (const part of missing.toReversed()) await store.put(round, site, part, parts[part] as Uint8Array)
  expect(await store.settle(round, site)).toBe(true)
}
/** Of one site alone; null where some of it is missing. */
const sumOf = async (store: ContributionStore, each: Sent, round = first) =>
  [...(await store.sum(round, [each], layout)).residues()].map(String).join()

const held = (store: ContributionStore, each: Sent, round = first) => sumOf(store, each, round).catch(() => null)

it('a contribution that was settled outlives a power cut at any moment; one on its way is completed by what is missing', async () => {
  await expectSound<ContributionStore>({
    open: (folder) => ContributionStore.open(join(folder, 'contributions'), ring),
    close: () => undefined,
    acts: [
      (store) => send(store, ash),
      (store) => send(store, birch),
      (store) => send(store, ash, second),
      (store) => store.keepOnly(new Set([second])),
    ],
    state: async (store) => [await held(store, ash), await held(store, birch), await held(store, ash, second)],
    check: async (survivor) => {
      await send(survivor, birch)
      expect(await sumOf(survivor, birch)).toMatch(/^20,.*,22$/)
    },
  })
})
