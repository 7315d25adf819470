import { fc, test as property } from '@fast-check/vitest'
import { beforeAll, describe, expect, it } from 'vitest'
import { createInsecureRing } from '../../test/harness/insecure-ring.ts'
import { osRandom, withResidue } from '../../test/harness/sealed-round.ts'
import { openShare, shareLength } from './share.ts'
import { fillUniform, modulusOf } from './residues.ts'
import type { Ring } from './ring.ts'
import { secureRing } from './ring-parameters.ts'
import { dealShares, interpolateKey, sumShares } from './shamir.ts'
import { newSiteKey, SiteKey } from './site-key.ts'
import { lagrangeWeights, wrongReplies } from './wrong-replies.ts'

const code = (name: string) => expect.objectContaining({ code: name })

describe('shares', () => {
  let ring: Ring
  beforeAll(async () => {
    ring = await createInsecureRing()
  })
  const everybody = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

  /** The sum of `dealers` keys and every holder's reply. */
  const dealt = (n: number, threshold: number, dealers: number) => {
    const keys = Array.from({ length: dealers }, () => newSiteKey(ring, osRandom))
    const deals = keys.map((key) => dealShares(ring, key, threshold, everybody(n), osRandom))
    const sum = new BigUint64Array(ring.degree).map((_, i) =>
      keys.reduce((total, key) => (total + key.forDealing()[i]!) % ring.modulus, 0n),
    )
    const replies = everybody(n).map((holder) => ({
      holder,
      share: sumShares(
        ring,
        deals.map((deal) => deal[holder - 1]!),
      ),
    }))
    return { sum, replies }
  }
  /** The same reply with one residue changed. */
  const spoiled = (reply: { holder: number; share: Uint8Array }, at: number, by = 1n) => ({
    holder: reply.holder,
    share: withResidue(ring, reply.share, at, (residue) => residue + by),
  })

  const rounds = fc
    .integer({ min: 2, max: 10 })
    .chain((n) =>
      fc.record({
        n: fc.constant(n),
        threshold: fc.integer({ min: 2, max: n }),
        dealers: fc.integer({ min: 1, max: 4 }),
      }),
    )
    .chain((round) =>
      fc.record({
        round: fc.constant(round),
        holders: fc.shuffledSubarray(everybody(round.n), { minLength: round.threshold }),
      }),
    )

  property.prop([rounds], { numRuns: 40 })(
    'any threshold of holders rebuild the sum of the keys',
    ({ round, holders }) => {
      const { sum, replies } = dealt(round.n, round.threshold, round.dealers)
      const { key, suspects, consistent } = interpolateKey(
        ring,
        holders.map((holder) => replies[holder - 1]!),
        round.threshold,
      )
      expect(key.residues()).toEqual(sum)
      expect([suspects, consistent]).toEqual([[], true])
    },
  )

  it('one reply too few is refused, and rebuilding at a lower threshold gives another key', () => {
    const { sum, replies } = dealt(5, 4, 2)
    expect(() => interpolateKey(ring, replies.slice(0, 3), 4)).toThrow(code('AGGREGATE_INVALID'))
    const lower = interpolateKey(ring, replies.slice(0, 3), 3).key.residues()
    expect(lower.filter((residue, i) => residue === sum[i]).length).toBeLessThanOrEqual(1)
    expect(() => interpolateKey(ring, replies, 3)).toThrow(code('AGGREGATE_INVALID'))
  })

  it('fewer shares than the threshold are independent of the key', () => {
    // The same shares of t - 1 holders occur for every key: complete them to a polynomial through any constant.
    const constant = BigUint64Array.from({ length: ring.degree }, () => 5n)
    const [first] = dealShares(ring, new SiteKey(constant), 2, [1, 2], osRandom)
    const values = openShare(ring, first!).residues
    expect(new Set(values).size).toBe(ring.degree)
    const halfway = values.filter((value) => value < ring.modulus / 2n).length
    expect(Math.abs(halfway - ring.degree / 2)).toBeLessThan((6 * Math.sqrt(ring.degree)) / 2)
  })

  it('with one reply more than the threshold a wrong one is seen but not named', () => {
    const { replies } = dealt(5, 4, 2)
    const wrong = replies.map((reply) => (reply.holder === 3 ? spoiled(reply, 200) : reply))
    expect(() => interpolateKey(ring, wrong, 4)).toThrow(code('AGGREGATE_INVALID'))
  })

  property.prop([fc.integer({ min: 1, max: 6 }), fc.nat(255), fc.bigInt(1n, 2n ** 57n)], { numRuns: 20 })(
    'with two more a wrong reply is named and left out, wherever it is wrong',
    (holder, at, by) => {
      const { sum, replies } = dealt(6, 4, 2)
      const wrong = replies.map((reply) => (reply.holder === holder ? spoiled(reply, at, by) : reply))
      const { key, suspects, consistent } = interpolateKey(ring, wrong, 4)
      expect(key.residues()).toEqual(sum)
      expect([suspects, consistent]).toEqual([[holder], false])
    },
  )

  it('two wrong replies in different coefficients are both named with four more, refused with three', () => {
    const { sum, replies } = dealt(8, 4, 1)
    const wrong = replies.map((reply) => {
      if (reply.holder === 1) return spoiled(reply, 17)
      return reply.holder === 6 ? spoiled(spoiled(reply, 200), 17) : reply
    })
    const { key, suspects } = interpolateKey(ring, wrong, 4)
    expect(key.residues()).toEqual(sum)
    expect(suspects).toEqual([1, 6])
    expect(() => interpolateKey(ring, wrong.slice(0, 7), 4)).toThrow(code('AGGREGATE_INVALID'))
  })

  it('two wrong replies that were wrong apart are not taken for one', () => {
    const { replies } = dealt(6, 4, 1)
    const wrong = replies.map((reply) => {
      if (reply.holder === 2) return spoiled(reply, 3)
      return reply.holder === 5 ? spoiled(reply, 9) : reply
    })
    expect(() => interpolateKey(ring, wrong, 4)).toThrow(code('AGGREGATE_INVALID'))
  })

  it.each<[string, number[], number]>([
    ['a holder twice', [1, 1], 2],
    ['holder 0, whose share would be the key', [0, 1], 2],
    ['a fraction', [1.5, 2], 2],
    ['threshold 1, which would hand out the key', [1, 2], 1],
    ['a threshold above the holders', [1, 2], 3],
  ])('%s is refused', (_, holders, threshold) => {
    const key = newSiteKey(ring, osRandom)
    expect(() => dealShares(ring, key, threshold, holders, osRandom)).toThrow(code('ROUND_REFUSED'))
  })

  it('malformed shares are refused wherever they arrive', () => {
    const { replies } = dealt(3, 2, 1)
    const bad = replies[0]!.share.subarray(0, -8)
    const [share] = dealShares(ring, newSiteKey(ring, osRandom), 2, [1, 2], osRandom) as [Uint8Array, Uint8Array]
    expect(share).toHaveLength(shareLength(ring))
    const highMask = share.slice().fill(255, -8)
    for (const wrong of [share.subarray(0, -8), share.subarray(1), highMask]) {
      expect(() => sumShares(ring, [share, wrong])).toThrow(code('FRAME_INVALID'))
    }
    expect(() => interpolateKey(ring, [replies[1]!, { holder: 1, share: bad }], 2)).toThrow(code('FRAME_INVALID'))
    expect(() => interpolateKey(ring, [replies[1]!, replies[1]!], 2)).toThrow(code('ROUND_REFUSED'))
  })

  it('leave no SEAL object behind', () => {
    const idle = ring.liveObjects()
    interpolateKey(ring, dealt(5, 3, 2).replies, 3)
    expect(ring.liveObjects()).toBe(idle)
  })
})

describe('wrong replies', () => {
  const modulus = modulusOf(secureRing.modulus)
  const q = modulus.value
  const uniform = (length: number) => {
    const residues = new BigUint64Array(length)
    fillUniform(modulus, residues, osRandom)
    return residues
  }

  it('weights carry a polynomial to any point', () => {
    const coefficients = [...uniform(4)]
    const at = (x: number) => coefficients.reduceRight((sum, c) => (sum * BigInt(x) + c) % q, 0n)
    const points = [2, 3, 7, 11]
    for (const to of [0, 1, 5, 12]) {
      const weights = lagrangeWeights(modulus, points, to)
      expect(weights.reduce((sum, weight, i) => (sum + weight * at(points[i]!)) % q, 0n)).toBe(at(to))
    }
  })

  const cases = fc
    .record({ threshold: fc.integer({ min: 2, max: 8 }), spare: fc.nat(7) })
    .chain(({ threshold, spare }) =>
      fc.record({
        threshold: fc.constant(threshold),
        points: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), {
          minLength: threshold + spare,
          maxLength: threshold + spare,
        }),
        wrong: fc.uniqueArray(fc.nat(threshold + spare - 1), { maxLength: Math.floor(spare / 2) }),
      }),
    )

  property.prop([cases], { numRuns: 100 })(
    'up to half the spare replies are found, exactly',
    ({ threshold, points, wrong }) => {
      const coefficients = uniform(threshold)
      const values = points.map((x) => [...coefficients].reduceRight((sum, c) => (sum * BigInt(x) + c) % q, 0n))
      const shift = uniform(points.length)
      for (const index of wrong) values[index] = (values[index]! + shift[index]! + 1n) % q
      const expected = points.length - threshold < 2 ? undefined : wrong.toSorted((a, b) => a - b)
      expect(wrongReplies(modulus, points, values, threshold)).toEqual(expected)
    },
  )

  it('noise is not taken for a polynomial with a few wrong values', () => {
    expect(wrongReplies(modulus, [1, 2, 3, 4, 5, 6], [...uniform(6)], 2)).toBeUndefined()
  })
})
