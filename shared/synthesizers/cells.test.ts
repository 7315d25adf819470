import { expect, it } from 'vitest'
import { isInside, layoutOf, rowCount } from './cells.ts'

it('places columns one after another', () => {
  const layout = layoutOf([3, 1, 2])
  expect([...layout.offsets]).toEqual([0, 3, 4, 6])
  expect(layout.cells).toBe(6)
})

it.each([[[]], [[3, 0]], [[2.5]], [[65_537]], [[Number.NaN]]])('refuses sizes %j', (sizes) => {
  expect(() => layoutOf(sizes)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
})

it('tells rows outside the layout, and half rows', () => {
  const layout = layoutOf([3, 2])
  const cells = Uint16Array.of(2, 1, 2, 2, 3, 0)
  expect([0, 1, 2].map((row) => isInside(layout, cells, row))).toEqual([true, false, false])
  expect(rowCount(layout, cells)).toBe(3)
  expect(() => rowCount(layout, cells.subarray(1))).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
})
