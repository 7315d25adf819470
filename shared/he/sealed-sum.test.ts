import { fc, test as property } from '@fast-check/vitest'
import { beforeAll, describe, expect, it } from 'vitest'
import { createInsecureRing } from '../../test/harness/insecure-ring.ts'
import { PairwiseMasks } from '../../test/harness/pairwise-masks.ts'
import {
  contextNamed,
  repliesOf,
  sealedSites,
  sumOf,
  widestLayout,
  withResidue,
} from '../../test/harness/sealed-round.ts'
import { digest, roundId } from '../ids.ts'
import { openSum } from './open-sum.ts'
import type { SealContext } from './public-polynomial.ts'
import { createRing } from './create-ring.ts'
import type { Ring } from './ring.ts'
import { SealedSum } from './sealed-sum.ts'
import { interpolateKey } from './shamir.ts'
import type { SlotLayout } from './slots.ts'
import { threshold } from './thresholds.ts'

const code = (name: string) => expect.objectContaining({ code: name })
const context = contextNamed('round')
const everybody = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

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
  return openSum(ring, key, sumOf(ring, layout, contributors), contributors.length, context)
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
    const sum = sumOf(secure, layout, sites)
    expect(() => interpolateKey(secure, replies.slice(0, 3), 4)).toThrow(code('AGGREGATE_INVALID'))
    const { key } = interpolateKey(secure, replies.slice(0, 3), 3)
    expect(() => openSum(secure, key, sum, 5, context)).toThrow(code('AGGREGATE_INVALID'))
  })

  it('do not open when one site was sent another model, nor as any other round, roster, plan or model', () => {
    const other = digest('f'.repeat(64))
    const split = five((site) => (site === 0 ? { ...context, model: other } : context))
    const mixed = interpolateKey(secure, split.replies, 4).key
    expect(() => openSum(secure, mixed, sumOf(secure, split.layout, split.sites), 5, context)).toThrow(
      code('AGGREGATE_INVALID'),
    )
    const { layout, vectors, sites, replies } = five()
    const sum = sumOf(secure, layout, sites)
    const { key } = interpolateKey(secure, replies, 4)
    for (const wrong of [{ round: roundId(other) }, { roster: other }, { plan: other }, { model: other }]) {
      expect(() => openSum(secure, key, sum, 5, { ...context, ...wrong })).toThrow(code('AGGREGATE_INVALID'))
    }
    expect([...openSum(secure, key, sum, 5, context)]).toEqual(plainSum(vectors, everybody(5)))
  })

  it('R7 one site of the sum does not open with the key of the sum', () => {
    const { layout, sites, replies } = five()
    const { key } = interpolateKey(secure, replies, 4)
    for (const site of sites) {
      expect(() => openSum(secure, key, sumOf(secure, layout, [site]), 1, context)).toThrow(code('AGGREGATE_INVALID'))
    }
    const but = sites.slice(1)
    expect(() => openSum(secure, key, sumOf(secure, layout, but), 4, context)).toThrow(code('AGGREGATE_INVALID'))
  })

  it('with one wrong reply among exactly the threshold do not open; with two spare ones they do', () => {
    const { layout, vectors, sites } = five()
    const sum = sumOf(secure, layout, sites)
    const replies = repliesOf(secure, sites, [1, 2, 3, 4])
    replies[2] = { holder: 3, share: withResidue(secure, replies[2]!.share, 77, () => 1n) }
    const { key } = interpolateKey(secure, replies, 4)
    expect(() => openSum(secure, key, sum, 5, context)).toThrow(code('AGGREGATE_INVALID'))
    const three = sealedSites(secure, layout, 3, vectors, () => context)
    const answers = repliesOf(secure, three, everybody(5))
    answers[2] = { holder: 3, share: withResidue(secure, answers[2]!.share, 77, () => 1n) }
    const located = interpolateKey(secure, answers, 3)
    expect([located.suspects, located.consistent]).toEqual([[3], false])
    expect([...openSum(secure, located.key, sumOf(secure, layout, three), 5, context)]).toEqual(
      plainSum(vectors, everybody(5)),
    )
  })

  it('refuse malformed parts and stay as they were', () => {
    const layout = widestLayout(256 * 2 * 9, 3, 2)
    const vectors = everybody(3).map((site) => spread(site, layout))
    const sites = sealedSites(small, layout, 2, vectors, () => context)
    const sum = sumOf(small, layout, sites)
    const [whole, rest] = sites[0]!.parts as [Uint8Array, Uint8Array]
    expect([sites[0]!.parts.length, whole.length, rest.length]).toEqual([2, 16 + 8 * 1856, 16 + 1856])
    const before = sum.residues().slice()
    const tooLarge = whole.slice().fill(255, whole.length - 8)
    const bad: [number, Uint8Array][] = [
      [0, whole.subarray(0, -1)],
      [0, Buffer.concat([whole, Buffer.alloc(1)])],
      [0, tooLarge],
      [0, rest],
      [1, whole],
      [2, rest],
      [-1, rest],
      [0.5, rest],
    ]
    for (const [part, frame] of bad) {
      expect(() => sum.add(part, frame)).toThrow(code('FRAME_INVALID'))
      expect(() => sum.takeAway(part, frame)).toThrow(code('FRAME_INVALID'))
    }
    expect(sum.residues()).toEqual(before)
    const { key } = interpolateKey(small, repliesOf(small, sites, [1, 2]), 2)
    expect([...openSum(small, key, sum, 3, context)]).toEqual(plainSum(vectors, everybody(3)))
  })

  property.prop([fc.array(fc.tuple(fc.nat(3), fc.nat(2)), { maxLength: 30 })], { numRuns: 20 })(
    'parts added and taken away in any order leave the sum of those that stayed',
    (extra) => {
      const layout = widestLayout(256 * 2 * 20, 4, 2)
      const vectors = everybody(4).map((site) => spread(site, layout))
      const sites = sealedSites(small, layout, 2, vectors, () => context)
      const wanted = sumOf(small, layout, sites)
      const sum = SealedSum.create(small, layout)
      for (const [site, part] of extra) sum.add(part, sites[site]!.parts[part]!)
      for (const part of [2, 0, 1]) for (const { parts } of sites) sum.add(part, parts[part]!)
      for (const [site, part] of extra) sum.takeAway(part, sites[site]!.parts[part]!)
      expect(sum.residues()).toEqual(wanted.residues())
    },
  )

  it('do not depend on the order in which frames arrive, and leave the frames alone', () => {
    const layout = widestLayout(300, 3, 1)
    const vectors = everybody(3).map((site) => spread(site, layout))
    const sites = sealedSites(small, layout, 2, vectors, () => context)
    const frames = sites.map(({ parts }) => parts.map((part) => part.slice()))
    const { key } = interpolateKey(small, repliesOf(small, sites, [3, 1]), 2)
    const sums = [sites, sites.toReversed()].map((order) =>
      openSum(small, key, sumOf(small, layout, order), 3, context),
    )
    expect(sums[0]).toEqual(sums[1])
    expect(sites.map(({ parts }) => parts)).toEqual(frames)
  })

  it('of nobody, of more than the layout allows or of another number than was added open nothing', () => {
    const layout = { ...widestLayout(300, 3, 2), bound: 9 }
    const vectors = everybody(3).map((site) => spread(site, layout))
    const sites = sealedSites(small, layout, 2, vectors, () => context)
    const { key } = interpolateKey(small, repliesOf(small, sites, [1, 2]), 2)
    const sum = sumOf(small, layout, sites)
    for (const wrong of [0, 1, 2, 4]) {
      expect(() => openSum(small, key, sum, wrong, context)).toThrow(code('AGGREGATE_INVALID'))
    }
    expect([...openSum(small, key, sum, 3, context)]).toEqual(plainSum(vectors, everybody(3)))
    expect([small.liveObjects(), secure.liveObjects()]).toEqual([0, 0])
  })

  it('go to another thread and back: their residues are all they are', () => {
    const layout = widestLayout(300, 3, 2)
    const vectors = everybody(3).map((site) => spread(site, layout))
    const sites = sealedSites(small, layout, 2, vectors, () => context)
    const { key } = interpolateKey(small, repliesOf(small, sites, [1, 2]), 2)
    const sum = sumOf(small, layout, sites)
    const moved = structuredClone(sum.residues(), { transfer: [sum.residues().buffer as ArrayBuffer] })
    expect(() => sum.add(0, sites[0]!.parts[0]!)).toThrow(code('INTERNAL'))
    const there = SealedSum.from({ degree: 256, q: small.q }, layout, moved)
    expect([...openSum(small, key, there, 3, context)]).toEqual(plainSum(vectors, everybody(3)))
    expect(() => SealedSum.from(small, layout, moved.subarray(1))).toThrow(code('INTERNAL'))
    expect(() => SealedSum.from(small, { ...layout, contributors: 64 }, moved)).toThrow(code('PLAN_REFUSED'))
  })
})
