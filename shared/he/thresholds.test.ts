import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { collusionThatOpensTwice, largestError, leastContributors, smallestScaleBits, threshold } from './thresholds.ts'

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
})
