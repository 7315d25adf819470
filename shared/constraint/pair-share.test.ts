import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { compares } from './comparison.ts'
import { pairShare } from './pair-share.ts'

const run = fc
  .record({ from: fc.integer({ min: -30, max: 30 }), length: fc.nat(25), decimals: fc.nat(2) })
  .map(({ from, length, decimals }) => ({ from, to: from + length, scale: 10 ** decimals }))
const valuesOf = ({ from, to, scale }: { from: number; to: number; scale: number }) =>
  Array.from({ length: to - from + 1 }, (_, i) => (from + i) / scale)

test.prop({ left: run, right: run, comparator: fc.constantFrom('<', '<=', '=', '!=', '>=', '>') })(
  'counts pairs of printed values, whatever their decimals',
  ({ left, right, comparator }) => {
    const [ones, others] = [valuesOf(left), valuesOf(right)]
    const held = ones.reduce((sum, one) => sum + others.filter((other) => compares(comparator, one, other)).length, 0)
    const share = pairShare(left, comparator, right)
    expect(share).toBeCloseTo(held / (ones.length * others.length), 10)
    expect(share === 0).toBe(held === 0)
    expect(share === 1).toBe(held === ones.length * others.length)
  },
)
