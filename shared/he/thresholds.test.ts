import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { mixedSets } from '../../test/harness/mixed-sets.ts'
import { ringFacts } from './ring-parameters.ts'
import {
  collusionThatOpensTwice,
  fewestContributors,
  largestError,
  leastContributors,
  mostAbsent,
  smallestScaleBits,
  threshold,
} from './thresholds.ts'

const { q } = ringFacts
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

describe('thresholds', () => {
  it.each([
    [3, 0, 2],
    [3, 1, 3],
    [5, 0, 3],
    [5, 1, 4],
    [10, 2, 7],
    [50, 10, 31],
  ])('R7 %i sites with %i colluders need %i replies', (sites, colluders, replies) => {
    expect(threshold(sites, colluders)).toBe(replies)
  })

  it('R7 a site opens two contributors beside the colluders, and never fewer than three', () => {
    expect([0, 1, 2, 10].map(leastContributors)).toEqual([3, 3, 4, 12])
  })

  it('R7 who can open two sums of one round', () => {
    const rule = { sites: 5, threshold: threshold(5, 0) }
    expect(collusionThatOpensTwice({ ...rule, leastContributors: 3 })).toBe(1)
    expect(collusionThatOpensTwice({ ...rule, leastContributors: 5 })).toBe(3)
    expect(collusionThatOpensTwice({ sites: 10, threshold: 4, leastContributors: 3 })).toBe(0)
    expect(() => collusionThatOpensTwice({ sites: 3, threshold: 4, leastContributors: 3 })).toThrow(
      expect.objectContaining({ code: 'UNIT_OUT_OF_RANGE' }),
    )
  })

  property.prop([fc.integer({ min: 2, max: 200 }), fc.nat(199)])(
    'R7 reply sets share a site that does not collude: more than c sites are needed to open twice',
    (sites, c) => {
      const colluders = c % sites
      const replies = threshold(sites, colluders)
      expect(replies).toBeLessThanOrEqual(sites)
      const least = Math.min(sites, leastContributors(colluders))
      // By counting: k colluders answer both halves of the rest.
      let k = 0
      while (least < sites && 2 * k + (sites - k) < 2 * replies) k++
      const opens = collusionThatOpensTwice({ sites, threshold: replies, leastContributors: least })
      if (least < sites) expect(opens).toBe(k)
      expect(opens).toBeGreaterThan(colluders)
    },
  )

  property.prop([fc.integer({ min: 1, max: 10_000 })])('the scale is the smallest above twice the errors', (n) => {
    const bits = smallestScaleBits(n)
    expect(2 ** bits).toBeGreaterThan(2 * largestError * n)
    expect(2 ** (bits - 1)).toBeLessThanOrEqual(2 * largestError * n)
  })

  it.each([
    [3, 0, 0, 3],
    [4, 0, 1, 3],
    [4, 1, 0, 4],
    [5, 1, 1, 4],
    [6, 0, 1, 5],
    [7, 2, 1, 6],
    [8, 0, 2, 6],
    [10, 2, 2, 8],
    [24, 2, 5, 19],
    [3, 1, 0, 3],
    [4, 3, 0, 5],
  ])(
    'R7 of %i sites, %i of them colluding, %i may be absent: %i must contribute',
    (sites, colluders, absent, least) => {
      expect(mostAbsent(sites, colluders)).toBe(absent)
      expect(fewestContributors(sites, colluders)).toBe(least)
    },
  )

  it('R7 nobody may be absent where colluders leave under four others; sizes must be whole', () => {
    expect([mostAbsent(6, 3), mostAbsent(6, 9)]).toEqual([0, 0])
    expect(() => mostAbsent(1, 0)).toThrow(expect.objectContaining({ code: 'UNIT_OUT_OF_RANGE' }))
    expect(() => mostAbsent(6, 0.5)).toThrow(expect.objectContaining({ code: 'UNIT_OUT_OF_RANGE' }))
  })

  /** Plans of so many sites and holders at the edge of the rule, with all numbers of colluders below what opens two sets. */
  const edges = (sites: number, holders: number) =>
    upTo(holders - 1).flatMap((above) => {
      const [colluders, absent] = [above - 1, mostAbsent(sites, above - 1)]
      const t = threshold(holders, colluders)
      const isPlan = absent > 0 && sites - absent >= leastContributors(colluders)
      const rule = { sites, holders, threshold: t, leastContributors: sites - absent }
      return upTo(isPlan ? collusionThatOpensTwice(rule) : 0).map((many) => ({ absent, t, k: many - 1 }))
    })

  it.each([
    [4, 4, 2],
    [5, 5, 4],
    [6, 6, 8],
    [7, 7, 10],
    [5, 3, 4],
    [6, 4, 8],
    [7, 5, 10],
    [7, 6, 10],
    [8, 5, 11],
    [8, 6, 14],
  ])(
    'R7 mixed sets: %i sites, %i holders: no family of different sets has a sum of answers that depends on keys only',
    (sites, holders, cases) => {
      const tried = edges(sites, holders)
      expect(tried.length).toBeGreaterThanOrEqual(cases)
      for (const { absent, t, k } of tried) {
        const points = upTo(holders).slice(k)
        const mixed = mixedSets(q, { points, dealers: sites - k, absent, answers: t - k })
        expect(mixed, `${absent} absent, t ${t}, ${k} colluding`).toBeUndefined()
      }
    },
  )

  it('R7 mixed sets: outside the rule there is one: 6 sites, c 0, least 3, nobody colluding, no set with t answers', () => {
    const t = threshold(6, 0)
    expect([mostAbsent(6, 0), t]).toEqual([1, 4])
    const mixed = mixedSets(q, { points: upTo(6), dealers: 6, absent: 3, answers: t })
    if (mixed === undefined) throw new Error('nothing was found')
    const { told, weights } = mixed
    for (const set of told) {
      expect(set.filter(Boolean).length).toBeGreaterThanOrEqual(3)
      expect(told.filter((other) => other.join() === set.join()).length).toBeLessThan(t)
    }
    // With real shares: whatever the polynomials, the answers add up to fixed multiples of the keys.
    const keysIn = upTo(6).map(
      (_, v) => weights.reduce((sum, weight, j) => sum + (told[j]?.[v] ? weight : 0n), 0n) % q.value,
    )
    expect(keysIn.some((times) => times !== 0n)).toBe(true)
    const polynomials = upTo(6).map((v) => upTo(t).map((i) => BigInt(1000 * v ** 3 + 77 * i ** (v + 1))))
    const shareOf = (v: number, x: number) =>
      polynomials[v]!.reduce((sum, coefficient, i) => sum + coefficient * BigInt(x) ** BigInt(i), 0n)
    const answers = told.map((set, j) => set.reduce((sum, isIn, v) => sum + (isIn ? shareOf(v, j + 1) : 0n), 0n))
    const opened = weights.reduce((sum, weight, j) => sum + weight * answers[j]!, 0n) % q.value
    expect(opened).toBe(keysIn.reduce((sum, times, v) => sum + times * shareOf(v, 0), 0n) % q.value)
  })
})
