import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { counterRandom } from './counter-random.ts'
import { normSub } from './norm-sub.ts'
import { topDownShares } from './top-down-shares.ts'

const counts = fc.array(fc.double({ min: -1e3, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 70 })

describe('topDownShares', () => {
  test.prop([counts, fc.double({ min: 1e-3, max: 1e6, noNaN: true })])(
    'are not negative and add up to one, whatever the counts',
    (list, total) => {
      const shares = topDownShares(Float64Array.from(list), total)
      expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true)
      expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9)
    },
  )

  test.prop([
    fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 70 }).filter((list) => list.some((n) => n > 0)),
  ])("are the counts' own shares where there is no noise", (list) => {
    const total = list.reduce((a, b) => a + b, 0)
    const shares = topDownShares(Float64Array.from(list), total)
    list.forEach((count, i) => expect(shares[i]).toBeCloseTo(count / total, 9))
  })

  it('leave a tenth of the noise in an empty tail that norm-sub leaves, over twenty draws', () => {
    const planted = Float64Array.from({ length: 256 }, (_, i) => (i < 64 ? 300 : 0))
    const total = 64 * 300
    const tail = (shares: Float64Array) => shares.subarray(64).reduce((a, b) => a + b, 0)
    let [topDown, byCell] = [0, 0]
    for (let seed = 0; seed < 20; seed++) {
      const random = counterRandom(seed, 0)
      const noisy = planted.map((count, i) => count + 30 * random.normal(i, 0))
      topDown += tail(topDownShares(noisy, total)) / 20
      byCell += tail(normSub(noisy, total)) / 20
    }
    // 192 cells of noise 30: 0.4 * 30 * 192 = 2300 patients of 19,200 before anything is taken off.
    expect(byCell).toBeGreaterThan(0.05)
    expect(topDown).toBeLessThan(0.1 * byCell + (30 * Math.sqrt(192) * 0.4) / total)
  })
})
