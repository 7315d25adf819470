import { fc, test as property } from '@fast-check/vitest'
import { beforeAll, describe, expect, it } from 'vitest'
import { createInsecureRing } from '../../test/harness/insecure-ring.ts'
import { PairwiseMasks } from '../../test/harness/pairwise-masks.ts'
import { contextNamed, repliesOf, type SealedSite, sealedSites, widestLayout } from '../../test/harness/sealed-round.ts'
import { digest, roundId } from '../ids.ts'
import { openSum } from './open-sum.ts'
import type { SealContext } from './public-polynomial.ts'
import { createRing, type Ring } from './ring.ts'
import { SealedSum } from './sealed-sum.ts'
import { interpolateKey } from './shamir.ts'
import type { SlotLayout } from './slots.ts'
import { threshold } from './thresholds.ts'

const code = (name: string) => expect.objectContaining({ code: name })
const context = contextNamed('round')
const everybody = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

const addAll = (ring: Ring, layout: SlotLayout, sites: readonly SealedSite[]): SealedSum => {
  const sum = SealedSum.create(ring, layout)
  for (const { frame } of sites) sum.add(frame)
  return sum
}

/** Seals, loses the sites not in `contributing`, asks `answering` and opens. */
const opened = (
  ring: Ring,
  layout: SlotLayout,
  vectors: readonly Float64Array[],
  round: { t: number; contributing: readonly number[]; answering: readonly number[] },
): Float64Array => {
  const sites = sealedSites(ring, layout, round.t, vectors, () => context)
  const contributors = sites.filter(({ holder }) => round.contributing.includes(holder))
  const { key } = interpolateKey(ring, repliesOf(ring, contributors, round.answering), round.t)
  return openSum(ring, key, addAll(ring, layout, contributors), context)
}

const plainSum = (vectors: readonly Float64Array[], contributing: readonly number[]): number[] =>
  Array.from(vectors[0]!, (_, i) => contributing.reduce((sum, holder) => sum + vectors[holder - 1]![i]!, 0))

describe('sealed sums', () => {
  let small: Ring
  let secure: Ring
  beforeAll(async () => {
    small = await createInsecureRing()
    secure = await createRing()
  })

  const rounds = fc
    .record({ n: fc.constantFrom(3, 5, 10), k: fc.constantFrom(1 as const, 2 as const, 3 as const) })
    .chain(({ n, k }) => {
      const dimension = 700 // more than one block of 256, the last not full
      const t = threshold(n, 0)
      return fc.record({
        layout: fc.constant(widestLayout(dimension, n, k)),
        t: fc.constant(t),
        contributing: fc.shuffledSubarray(everybody(n), { minLength: 2 }),
        answering: fc.shuffledSubarray(everybody(n), { minLength: t }),
        seeds: fc.array(fc.integer({ min: 1, max: 2 ** 31 - 2 }), { minLength: n, maxLength: n }),
      })
    })
  /** Park and Miller's generator: enough to spread test values over the whole range of a slot. */
  const spread = (seed: number, { dimension, bound }: SlotLayout) => {
    let state = seed
    return Float64Array.from({ length: dimension }, () => {
      state = (state * 48271) % (2 ** 31 - 1)
      return Math.floor((state / (2 ** 31 - 1)) * (2 * bound + 1)) - bound
    })
  }

  property.prop([rounds], { numRuns: 25 })(
    'equal plain sums and pairwise masks, whoever drops out before contributing or before answering',
    ({ layout, t, contributing, answering, seeds }) => {
      const vectors = seeds.map((seed) => spread(seed, layout))
      const sum = opened(small, layout, vectors, { t, contributing, answering })
      expect([...sum]).toEqual(plainSum(vectors, contributing))
      const masks = new PairwiseMasks(seeds.length, layout.dimension)
      const sent = new Map(contributing.map((holder) => [holder - 1, masks.mask(holder - 1, vectors[holder - 1]!)]))
      expect(masks.sum(sent)).toEqual([...sum])
    },
  )

  it('are exact on the secure ring too, with all slots at either bound', () => {
    for (const n of [3, 5]) {
      const layout = widestLayout(8200, n, 2)
      for (const value of [-layout.bound, layout.bound]) {
        const vectors = everybody(n).map(() => new Float64Array(8200).fill(value))
        const sum = opened(secure, layout, vectors, {
          t: threshold(n, 1),
          contributing: everybody(n),
          answering: everybody(n),
        })
        expect(new Set(sum)).toEqual(new Set([n * value]))
      }
    }
  })

  /** Five sites on the secure ring, all honest, to be disturbed. */
  const five = (contextOf: (site: number) => SealContext = () => context) => {
    const layout = widestLayout(9000, 5, 2)
    const vectors = everybody(5).map((site) => spread(site, layout))
    const sites = sealedSites(secure, layout, 4, vectors, contextOf)
    return { layout, vectors, sites, replies: repliesOf(secure, sites, everybody(5)) }
  }

  it('do not open with one reply too few, whatever threshold is claimed', () => {
    const { layout, sites, replies } = five()
    const sum = addAll(secure, layout, sites)
    expect(() => interpolateKey(secure, replies.slice(0, 3), 4)).toThrow(code('AGGREGATE_INVALID'))
    const { key } = interpolateKey(secure, replies.slice(0, 3), 3)
    expect(() => openSum(secure, key, sum, context)).toThrow(code('AGGREGATE_INVALID'))
  })

  it('do not open when one site was sent another model, nor as any other round, roster, plan or model', () => {
    const other = digest('f'.repeat(64))
    const split = five((site) => (site === 0 ? { ...context, model: other } : context))
    const mixed = interpolateKey(secure, split.replies, 4).key
    expect(() => openSum(secure, mixed, addAll(secure, split.layout, split.sites), context)).toThrow(
      code('AGGREGATE_INVALID'),
    )
    const { layout, vectors, sites, replies } = five()
    const sum = addAll(secure, layout, sites)
    const { key } = interpolateKey(secure, replies, 4)
    for (const wrong of [{ round: roundId(other) }, { roster: other }, { plan: other }, { model: other }]) {
      expect(() => openSum(secure, key, sum, { ...context, ...wrong })).toThrow(code('AGGREGATE_INVALID'))
    }
    expect([...openSum(secure, key, sum, context)]).toEqual(plainSum(vectors, everybody(5)))
  })

  it('R7 one site of the sum does not open with the key of the sum', () => {
    const { layout, sites, replies } = five()
    const { key } = interpolateKey(secure, replies, 4)
    for (const site of sites) {
      expect(() => openSum(secure, key, addAll(secure, layout, [site]), context)).toThrow(code('AGGREGATE_INVALID'))
    }
    const but = sites.slice(1)
    expect(() => openSum(secure, key, addAll(secure, layout, but), context)).toThrow(code('AGGREGATE_INVALID'))
  })

  it('with one wrong reply among exactly the threshold do not open; with two spare ones they do', () => {
    const { layout, vectors, sites } = five()
    const sum = addAll(secure, layout, sites)
    const replies = repliesOf(secure, sites, [1, 2, 3, 4])
    new DataView(replies[2]!.share.buffer).setBigUint64(16 + 8 * 77, 1n, true)
    const { key } = interpolateKey(secure, replies, 4)
    expect(() => openSum(secure, key, sum, context)).toThrow(code('AGGREGATE_INVALID'))
    const three = sealedSites(secure, layout, 3, vectors, () => context)
    const answers = repliesOf(secure, three, everybody(5))
    new DataView(answers[2]!.share.buffer).setBigUint64(16 + 8 * 77, 1n, true)
    const located = interpolateKey(secure, answers, 3)
    expect([located.suspects, located.consistent]).toEqual([[3], false])
    expect([...openSum(secure, located.key, addAll(secure, layout, three), context)]).toEqual(
      plainSum(vectors, everybody(5)),
    )
  })

  it('refuse malformed frames and stay as they were', () => {
    const layout = widestLayout(700, 3, 2)
    const vectors = everybody(3).map((site) => spread(site, layout))
    const sites = sealedSites(small, layout, 2, vectors, () => context)
    const sum = addAll(small, layout, sites)
    const fresh = SealedSum.create(small, layout)
    const frame = sites[0]!.frame
    const tooLarge = frame.slice()
    new DataView(tooLarge.buffer).setBigUint64(frame.length - 8, small.modulus, true)
    const oneBlock = sealedSites(
      small,
      { ...layout, dimension: 5 },
      2,
      vectors.map((v) => v.slice(0, 5)),
      () => context,
    )
    for (const bad of [frame.subarray(0, -1), Buffer.concat([frame, Buffer.alloc(8)]), tooLarge, oneBlock[0]!.frame]) {
      expect(() => fresh.add(bad)).toThrow(code('FRAME_INVALID'))
    }
    expect(fresh.contributors).toBe(0)
    for (const site of sites) fresh.add(site.frame)
    expect(() => fresh.add(frame)).toThrow(code('AGGREGATE_INVALID'))
    const { key } = interpolateKey(small, repliesOf(small, sites, [1, 2]), 2)
    expect(openSum(small, key, fresh, context)).toEqual(openSum(small, key, sum, context))
  })

  it('do not depend on the order in which frames arrive, and leave the frames alone', () => {
    const layout = widestLayout(300, 3, 1)
    const vectors = everybody(3).map((site) => spread(site, layout))
    const sites = sealedSites(small, layout, 2, vectors, () => context)
    const frames = sites.map(({ frame }) => frame.slice())
    const { key } = interpolateKey(small, repliesOf(small, sites, [3, 1]), 2)
    const sums = [sites, sites.toReversed()].map((order) => openSum(small, key, addAll(small, layout, order), context))
    expect(sums[0]).toEqual(sums[1])
    expect(sites.map(({ frame }) => frame)).toEqual(frames)
  })

  it('an empty or disposed sum opens nothing, and every SEAL object is given back', () => {
    const idle = [small.liveObjects(), secure.liveObjects()]
    const layout = widestLayout(300, 3, 2)
    const sites = sealedSites(
      small,
      layout,
      2,
      everybody(3).map((site) => spread(site, layout)),
      () => context,
    )
    const { key } = interpolateKey(small, repliesOf(small, sites, [1, 2]), 2)
    expect(() => openSum(small, key, SealedSum.create(small, layout), context)).toThrow(code('AGGREGATE_INVALID'))
    const sum = addAll(small, layout, sites)
    openSum(small, key, sum, context)
    expect(() => openSum(small, key, sum, contextNamed('other'))).toThrow(code('AGGREGATE_INVALID'))
    sum.dispose()
    expect(() => sum.add(sites[0]!.frame)).toThrow(code('INTERNAL'))
    expect(() => openSum(small, key, sum, context)).toThrow(code('INTERNAL'))
    expect([small.liveObjects(), secure.liveObjects()]).toEqual(idle)
  })
})
