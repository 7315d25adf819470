import { describe, expect, it } from 'vitest'
import { layoutOf } from '../cells.ts'
import { pairLayoutOf } from '../mixture/pair-layout.ts'
import { collapsedColumns, collapseOf, collapseText, isCollapsed } from './collapse.ts'

const layout = layoutOf([4, 3])
const pairs = pairLayoutOf(layout)
const noisy = Float64Array.of(0.4, 0.3, 0.2, 0.1, 0.6, 0.3995, 0.0005)
const joint = Float64Array.from({ length: 12 }, (_, i) => noisy[Math.floor(i / 3)]! * noisy[4 + (i % 3)]!)
const names = ['a', 'b']
const pairsWith = (generated: Float64Array, sigma = 1e-3) => ({
  pairs,
  generated,
  noisy: joint,
  sigma: Float64Array.of(sigma),
})

describe('mode collapse', () => {
  it('is not seen in a generator with the noisy shares, nor in one that lost what is too rare to tell', () => {
    const found = collapseOf(layout, noisy, noisy, pairsWith(joint))
    expect([...found.coverage]).toEqual([1, 1])
    expect([...found.entropy]).toEqual([1, 1])
    expect(found.pairs).toBe(1)
    expect(isCollapsed(found)).toBe(false)
    expect(collapseText(found, names)).toMatch(/^no mode collapse.* 100 %/)
    const rare = Float64Array.of(0.4, 0.3, 0.2, 0.1, 0.6, 0.4, 0)
    expect(isCollapsed(collapseOf(layout, rare, noisy, null))).toBe(false)
  })

  it('is seen where a common level is lost', () => {
    const lost = collapseOf(layout, Float64Array.of(0.45, 0.35, 0.2, 0, 0.6, 0.4, 0), noisy, null)
    expect(lost.coverage[0]).toBe(0.75)
    expect(collapsedColumns(lost)).toEqual([0])
    expect(collapseText(lost, names)).toMatch(/^MODE COLLAPSE in a:.* 75 %/)
  })

  it('is seen where all levels are there, but one takes nearly everything', () => {
    const narrow = collapseOf(layout, Float64Array.of(0.4, 0.3, 0.2, 0.1, 0.93, 0.07, 0), noisy, null)
    expect(narrow.coverage[1]).toBe(1)
    expect(narrow.entropy[1]).toBeLessThan(0.5)
    expect(collapsedColumns(narrow)).toEqual([1])
  })

  it('is seen in pairs, though every column alone is right; not in pairs that noise hides', () => {
    // Level i of one column goes with one level of the other alone.
    const few = Float64Array.of(0.4, 0, 0, 0, 0.3, 0, 0.2, 0, 0, 0, 0.1, 0)
    const found = collapseOf(layout, noisy, noisy, pairsWith(few))
    expect(collapsedColumns(found)).toEqual([])
    expect(found.pairs).toBe(0.5)
    expect(isCollapsed(found)).toBe(true)
    expect(collapseText(found, names)).toMatch(/^MODE COLLAPSE in pairs of levels:/)
    expect(isCollapsed(collapseOf(layout, noisy, noisy, pairsWith(few, 0.2)))).toBe(false)
  })

  it('is not divined of columns with one level', () => {
    const single = layoutOf([1])
    expect(isCollapsed(collapseOf(single, Float64Array.of(1), Float64Array.of(1), null))).toBe(false)
  })
})
