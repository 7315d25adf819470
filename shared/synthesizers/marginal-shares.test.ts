import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import type { ColumnSpec } from '../study/study-schema.ts'
import { counterRandom } from './counter-random.ts'
import { marginalShares } from './marginal-shares.ts'
import { smoothCounts } from './smooth-counts.ts'

const distance = (a: Float64Array, b: Float64Array) => Math.hypot(...a.map((value, i) => value - b[i]!))
const noisy = (counts: Float64Array, noise: number, seed: number) => {
  const random = counterRandom(seed, 0)
  return counts.map((count, i) => count + noise * random.normal(i, 0))
}
const bell = Float64Array.from({ length: 40 }, (_, i) => 400 * Math.exp(-(((i - 15) / 8) ** 2)))
const spikes = Float64Array.from({ length: 40 }, (_, i) => (i % 10 === 3 ? 1000 : 0))

describe('smoothCounts', () => {
  test.prop([fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 33 })])(
    'gives the counts back where there is no noise, and keeps their sum where there is any',
    (list) => {
      const counts = Float64Array.from(list)
      expect(distance(smoothCounts(counts, 0), counts)).toBeLessThan(1e-8)
      const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0)
      expect(sum(smoothCounts(counts, 50))).toBeCloseTo(sum(counts), 6)
    },
  )

  it('takes noise off a smooth column and leaves a spiky one', () => {
    for (let seed = 0; seed < 10; seed++) {
      const raw = noisy(bell, 30, seed)
      expect(distance(smoothCounts(raw, 30), bell)).toBeLessThan(0.7 * distance(raw, bell))
      const spiky = noisy(spikes, 30, seed)
      expect(distance(smoothCounts(spiky, 30), spikes)).toBeLessThan(1.15 * distance(spiky, spikes))
    }
  })

  it('makes pure noise flat', () => {
    const flat = smoothCounts(noisy(new Float64Array(64), 1, 3), 1)
    expect(Math.hypot(...flat)).toBeLessThan(0.6 * 8)
  })
})

describe('marginalShares', () => {
  const level = { missing: 'level', outside: 'clamp', integer: false } as const
  const bins = Array.from({ length: 40 }, (_, i) => i)
  const columns: ColumnSpec[] = [
    { name: 'x', kind: 'numeric', bins, maximum: 40, ...level },
    {
      name: 'y',
      kind: 'categorical',
      levels: ['a', 'b'],
      ordered: false,
      numeric_text: false,
      missing: 'refuse',
      other: 'refuse',
    },
  ]
  const total = bell.reduce((a, b) => a + b, 0)
  const counts = Float64Array.of(...bell, 5000, total / 2, total / 2 + 5000)

  it('are shares of the units that all columns speak of', () => {
    const { units, shares } = marginalShares(columns, counts, 1e-3, 1)
    expect(units).toBeCloseTo(total + 5000, 3)
    expect(
      distance(
        shares,
        counts.map((count) => count / units),
      ),
    ).toBeLessThan(1e-6)
  })

  it('leaves the missing level out of smoothing, and names as they are', () => {
    const { units, shares } = marginalShares(columns, counts, 80, 1)
    expect(shares[40]).toBeCloseTo(5000 / units, 3)
    expect(shares[41]).toBeCloseTo(total / 2 / units, 9)
  })

  it('are shares of the promised number where the counts are nothing but noise', () => {
    const { units, shares } = marginalShares(
      columns,
      counts.map(() => -3),
      1,
      500,
    )
    expect(units).toBe(500)
    expect(shares.every((share) => share >= 0)).toBe(true)
    expect(shares.subarray(41).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
  })
})
