import { readFileSync } from 'node:fs'
import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { osRandom } from '../../test/harness/sealed-round.ts'
import { digest, roundId } from '../ids.ts'
import type { FrameRing } from './frame.ts'
import { fillUniform, innerProduct, modulusOf } from './residues.ts'
import { ringFacts } from './ring-parameters.ts'
import { dealShares } from './shamir.ts'
import { openShare, packShare } from './share.ts'
import { areConsistent, challenge, checkValue } from './share-check.ts'
import { newSiteKey } from './site-key.ts'
import { lagrangeWeights } from './wrong-replies.ts'

const vector: { degree: number; modulus: string; shares: Record<'round' | 'deal' | 'share' | 'value', string>[] } =
  JSON.parse(readFileSync(new URL('../../test/vectors/v1/share-check.json', import.meta.url), 'utf8'))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const small: FrameRing = { degree: 8, q: ringFacts.q }
const q = ringFacts.q.value
const checked = { round: roundId('1'.repeat(64)), deal: digest('2'.repeat(64)) }
const everybody = (m: number) => Array.from({ length: m }, (_, i) => i + 1)
const bytesOf = (value: bigint) => new Uint8Array(BigUint64Array.of(value).buffer)
const numberOf = (value: Uint8Array) => new DataView(value.buffer).getBigUint64(0, true)

const dealt = (ring: FrameRing, m: number, threshold: number) =>
  dealShares(ring, newSiteKey(ring, osRandom), threshold, everybody(m), osRandom)
const valuesOf = (ring: FrameRing, shares: readonly Uint8Array[]) =>
  shares.map((share, i) => ({ holder: i + 1, value: checkValue(ring, checked, share) }))

/** The share with `by` added to coefficient `at`, or to the mask where that is the degree. */
const altered = (ring: FrameRing, share: Uint8Array, at: number, by: bigint) => {
  const { residues, mask } = openShare(ring, share)
  if (at === ring.degree) return packShare(ring, { residues, mask: (mask + by) % q })
  residues[at] = (residues[at]! + by) % q
  return packShare(ring, { residues, mask })
}

const deals = fc.integer({ min: 3, max: 20 }).chain((m) =>
  fc.record({
    m: fc.constant(m),
    threshold: fc.integer({ min: 2, max: m - 1 }),
    wrong: fc.integer({ min: 0, max: m - 1 }),
    at: fc.nat(8),
    by: fc.bigInt(1n, q - 1n),
  }),
)

describe('share check', () => {
  it.each(vector.shares.map((each, i) => [i, each] as const))(
    'value %i is what another program makes it',
    (_, each) => {
      const ring = { degree: vector.degree, q: modulusOf(BigInt(vector.modulus)) }
      const of = { round: roundId(each.round), deal: digest(each.deal) }
      expect(hex(checkValue(ring, of, Buffer.from(each.share, 'hex')))).toBe(each.value)
    },
  )

  property.prop([fc.integer({ min: 2, max: 20 }), fc.nat(18)])('R24 honest dealers pass, whoever checks', (m, less) => {
    const threshold = Math.max(2, m - less)
    const values = valuesOf(small, dealt(small, m, threshold))
    expect(areConsistent(small, values, threshold)).toBe(true)
    expect(areConsistent(small, values.slice(1), threshold)).toBe(true)
    expect(areConsistent(small, values.toReversed(), threshold)).toBe(true)
    if (m > threshold + 1) expect(areConsistent(small, values, threshold - 1)).toBe(false)
  })

  property.prop([deals], { numRuns: 300 })(
    'R24 one altered coefficient or mask of one share shows, and the other values fit without it',
    ({ m, threshold, wrong, at, by }) => {
      const shares = dealt(small, m, threshold)
      shares[wrong] = altered(small, shares[wrong]!, at, by)
      const values = valuesOf(small, shares)
      expect(areConsistent(small, values, threshold)).toBe(false)
      expect(areConsistent(small, values.toSpliced(wrong, 1), threshold)).toBe(true)
    },
  )

  it('R24 works on the secure ring, where every coefficient counts', () => {
    const shares = dealt(ringFacts, 5, 3)
    const right = valuesOf(ringFacts, shares)
    expect(areConsistent(ringFacts, right, 3)).toBe(true)
    for (const at of [0, 1, 2047, 4095]) {
      const wrong = shares.with(3, altered(ringFacts, shares[3]!, at, 1n))
      expect(areConsistent(ringFacts, valuesOf(ringFacts, wrong), 3)).toBe(false)
    }
  })

  property.prop([fc.nat(7), fc.bigInt(1n, q - 1n), fc.bigInt(0n, q - 1n)])(
    'R24 of all q masks exactly one hides an altered coefficient: the one that knows r',
    (at, by, guess) => {
      const shares = dealt(small, 4, 3)
      const bad = altered(small, shares[1]!, at, by)
      const hides = (q - ((challenge(small, checked)[at]! * by) % q)) % q
      const judge = (mask: bigint) =>
        areConsistent(small, valuesOf(small, shares.with(1, altered(small, bad, 8, mask))), 3)
      expect(judge(hides)).toBe(true)
      expect(judge(guess)).toBe(guess === hides)
    },
  )

  it('R24 a wrong deal passes for one in q of all challenges at most, counted over every deal of a field of five', () => {
    // Three holders, threshold 2, one coefficient: on a line exactly if y1 - 2 y2 + y3 = 0.
    const p = 5
    const all = Array.from(
      { length: p ** 3 },
      (_, i) => [i % p, Math.floor(i / p) % p, Math.floor(i / p ** 2)] as const,
    )
    const off = ([a, b, c]: readonly [number, number, number]) => (a + 3 * b + c) % p
    const counts = new Map<number, number>()
    for (const shares of all) {
      for (const masks of all) {
        if (off(shares) === 0 && off(masks) === 0) continue
        let passes = 0
        for (let r = 0; r < p; r++) {
          const [x, y, z] = shares.map((share, i) => (masks[i]! + r * share) % p) as [number, number, number]
          if (off([x, y, z]) === 0) passes++
        }
        counts.set(passes, (counts.get(passes) ?? 0) + 1)
      }
    }
    // Where only masks are off: never. Where a share is off: for exactly one r of five.
    expect(Object.fromEntries(counts)).toEqual({ 0: 25 * 100, 1: 100 * 125 })
  })

  it('hides: with all values and the shares of t - 1 colluders every key is equally likely, counted exhaustively', () => {
    const p = 5
    const [r1, r2] = [2, 3]
    const views = (masked: boolean) => {
      const seen = new Map<string, Map<string, number>>()
      for (let i = 0; i < p ** 6; i++) {
        const [k1, k2, m, a1, a2, b] = [0, 1, 2, 3, 4, 5].map((e) => Math.floor(i / p ** e) % p) as number[]
        const f1 = (x: number) => k1! + a1! * x
        const f2 = (x: number) => k2! + a2! * x
        const g = (x: number) => (masked ? m! + b! * x : 0)
        const values = [1, 2, 3].map((x) => (g(x) + r1 * f1(x) + r2 * f2(x)) % p)
        const view = [f1(1) % p, f2(1) % p, g(1) % p, ...values].join()
        const keys = seen.get(view) ?? new Map<string, number>()
        keys.set(`${k1},${k2}`, (keys.get(`${k1},${k2}`) ?? 0) + 1)
        seen.set(view, keys)
      }
      return [...seen.values()]
    }
    expect(views(true).every((keys) => keys.size === 25 && new Set(keys.values()).size === 1)).toBe(true)
    expect(views(false).every((keys) => keys.size === 25)).toBe(false)
  })

  property.prop([fc.integer({ min: 3, max: 8 }), fc.nat(5)], { numRuns: 50 })(
    'hides: whatever t - 1 colluders and all values show is explained by any other key as well',
    (m, less) => {
      const threshold = Math.max(2, m - less)
      const shares = dealt(small, m, threshold)
      const values = valuesOf(small, shares)
      const colluders = everybody(threshold - 1)
      const other = newSiteKey(small, osRandom).forDealing()
      const known = colluders.map((holder) => openShare(small, shares[holder - 1]!).residues)
      const r = challenge(small, checked)
      const explained = everybody(m).map((holder) => {
        const weights = lagrangeWeights(small.q, [0, ...colluders], holder)
        const residues = other.map((own, k) =>
          [own, ...known.map((row) => row[k]!)].reduce((sum, y, i) => (sum + weights[i]! * y) % q, 0n),
        )
        const said = numberOf(values[holder - 1]!.value)
        return packShare(small, { residues, mask: (said - innerProduct(small.q, residues, r) + q) % q })
      })
      expect(valuesOf(small, explained)).toEqual(values)
      for (const holder of colluders) expect(explained[holder - 1]).toEqual(shares[holder - 1])
      // The masks are one polynomial of degree below t: an honest dealer may have dealt just this.
      const masks = explained.map((share, i) => ({ holder: i + 1, value: bytesOf(openShare(small, share).mask) }))
      expect(areConsistent(small, masks, threshold)).toBe(true)
    },
  )

  it('R2 the challenge is another one for every round and deal, and uniform below q', () => {
    const other = { round: roundId('3'.repeat(64)), deal: digest('3'.repeat(64)) }
    const all = [checked, { ...checked, round: other.round }, { ...checked, deal: other.deal }].map((of) =>
      challenge(ringFacts, of),
    )
    expect(new Set(all.flatMap((factors) => [...factors])).size).toBe(3 * 4096)
    expect(all.every((factors) => factors.every((factor) => factor < q))).toBe(true)
    const upper = all[0]!.filter((factor) => factor >= q / 2n).length
    expect(Math.abs(upper - 2048)).toBeLessThan(6 * 32)
  })

  it('values that are no residue fit nothing', () => {
    const values = valuesOf(small, dealt(small, 5, 2))
    for (const bad of [new Uint8Array(7), new Uint8Array(0), new Uint8Array(8).fill(255), bytesOf(q)]) {
      const wrong = values.with(2, { holder: 3, value: bad })
      expect(areConsistent(small, wrong, 2)).toBe(false)
    }
    expect(() => areConsistent(small, [values[0]!, values[0]!], 2)).toThrow(
      expect.objectContaining({ code: 'ROUND_REFUSED' }),
    )
  })

  it('shares that are none have no value', () => {
    const [share] = dealt(small, 3, 2) as [Uint8Array]
    for (const bad of [share.subarray(1), share.slice().fill(255, -8), share.slice().fill(255, 16, 30)]) {
      expect(() => checkValue(small, checked, bad)).toThrow(expect.objectContaining({ code: 'FRAME_INVALID' }))
    }
  })

  it('inner products agree with BigInt at the largest entries and any length', () => {
    for (const length of [0, 1, 4096, 4097, 9000]) {
      const a = new BigUint64Array(length).fill(2n ** 59n - 1n)
      const b = new BigUint64Array(length)
      fillUniform(ringFacts.q, b, osRandom)
      const expected = (x: BigUint64Array, y: BigUint64Array) => x.reduce((sum, each, i) => sum + each * y[i]!, 0n) % q
      for (const [x, y] of [
        [a, a],
        [a, b],
        [b, b],
      ] as const)
        expect(innerProduct(ringFacts.q, x, y)).toBe(expected(x, y))
    }
  })
})
