import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { layoutOf } from './cells.ts'
import { marginalSum } from './marginal-sum.ts'

const minus = (left: Float64Array, right: Float64Array) => left.map((value, i) => value - right[i]!)

describe('marginalSum', () => {
  const layout = layoutOf([3, 2])
  it('adds the mean one-hot row of each unit', () => {
    const { sum, sensitivity } = marginalSum(layout, Uint16Array.of(0, 1, 2, 1, 2, 0, 1, 1), Uint32Array.of(1, 0, 2, 1))
    expect([...sum]).toEqual([1, 1, 1, 0.5, 2.5])
    expect(sensitivity).toBe(Math.SQRT2)
  })

  it('takes each row as a unit without counts, and drops rows outside the layout whole', () => {
    expect([...marginalSum(layout, Uint16Array.of(0, 1, 2, 2, 2, 0), null).sum]).toEqual([1, 0, 1, 1, 1])
  })

  test.prop([fc.array(fc.array(fc.tuple(fc.nat(2), fc.nat(1)), { maxLength: 9 }), { minLength: 1, maxLength: 20 })])(
    'moves by at most sqrt(columns) when a unit is taken out, exactly',
    (units) => {
      const sumOf = (list: typeof units) =>
        marginalSum(layout, Uint16Array.from(list.flat(2)), Uint32Array.from(list.map((unit) => unit.length))).sum
      const difference = minus(sumOf(units), sumOf(units.slice(1)))
      expect(difference.reduce((total, value) => total + value * value, 0)).toBeLessThanOrEqual(2)
      expect([...difference]).toEqual([...sumOf(units.slice(0, 1))])
    },
  )

  it('R10: padding adds nothing, whatever it holds', () => {
    const cells = Uint16Array.of(0, 1, 2, 1, 2, 0, 1, 1)
    const { sum } = marginalSum(layout, cells.subarray(0, 6), Uint32Array.of(1, 2))
    expect(marginalSum(layout, cells, Uint32Array.of(1, 2), 3).sum).toEqual(sum)
    expect([...marginalSum(layout, cells, null, 1).sum]).toEqual([1, 0, 0, 0, 1])
    expect([...marginalSum(layout, cells, null, 0).sum]).toEqual([0, 0, 0, 0, 0])
  })

  it('refuses counts that do not add up', () => {
    expect(() => marginalSum(layout, Uint16Array.of(0, 1), Uint32Array.of(2))).toThrow(
      expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
    )
  })
})
