import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import { normSub } from './norm-sub.ts'

it('takes the same off every cell and cuts at zero', () => {
  expect([...normSub(Float64Array.of(60, 50, -5), 100)]).toEqual([0.55, 0.45, 0].map((x) => expect.closeTo(x, 12)))
  expect([...normSub(Float64Array.of(25, 75), 100)]).toEqual([0.25, 0.75])
  expect([...normSub(Float64Array.of(-5, -9), 100)]).toEqual([0.52, 0.48].map((x) => expect.closeTo(x, 12)))
})

test.prop([
  fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 }),
  fc.double({ min: 1, max: 1e6, noNaN: true }),
])('gives shares of one in the order of the counts', (counts, total) => {
  const shares = normSub(Float64Array.from(counts), total)
  expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9)
  expect(shares.every((share) => share >= 0)).toBe(true)
  counts.forEach((count, i) => {
    counts.forEach((other, j) => {
      if (count > other) expect(shares[i]).toBeGreaterThanOrEqual(shares[j]!)
    })
  })
})
