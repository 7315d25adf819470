import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import type { ColumnSpec } from '../study/study-schema.ts'
import {
  coarsen,
  coarseShares,
  decodeGrouping,
  encodeGrouping,
  type Grouping,
  groupingOf,
  levelsOf,
  plannedSizes,
} from './grouping.ts'

const nominal = (name: string, levels: readonly string[], extra: object = {}): ColumnSpec => ({
  name,
  kind: 'categorical',
  levels: [...levels],
  ordered: false,
  numeric_text: false,
  missing: 'refuse',
  other: 'refuse',
  ...extra,
})
const numeric = (name: string, bins: number, missing: 'refuse' | 'level' = 'refuse'): ColumnSpec => ({
  name,
  kind: 'numeric',
  bins: Array.from({ length: bins }, (_, i) => i),
  maximum: bins,
  integer: false,
  missing,
  outside: 'clamp',
})
const letters = (count: number) => Array.from({ length: count }, (_, i) => `level ${i}`)
const mapOf = (column: ColumnSpec, size: number, mass: readonly number[]) => [
  ...groupingOf([column], [size], Float64Array.from(mass)).map,
]

describe('groups of one column', () => {
  it('of numbers are runs of near equal mass', () => {
    expect(mapOf(numeric('x', 8), 4, [1, 1, 1, 1, 1, 1, 1, 1])).toEqual([0, 0, 1, 1, 2, 2, 3, 3])
    expect(mapOf(numeric('x', 6), 3, [0.7, 0.05, 0.05, 0.05, 0.05, 0.1])).toEqual([0, 1, 1, 1, 2, 2])
    expect(mapOf(numeric('x', 6), 3, [0.05, 0.05, 0.05, 0.05, 0.1, 0.7])).toEqual([0, 0, 0, 1, 1, 2])
  })

  it('leave no run empty, even without any mass', () => {
    expect(new Set(mapOf(numeric('x', 9), 4, Array(9).fill(0))).size).toBe(4)
    expect(new Set(mapOf(numeric('x', 9), 4, [0, 0, 0, 1, 0, 0, 0, 0, 0])).size).toBe(4)
    expect(new Set(mapOf(numeric('x', 9), 4, [Number.NaN, -1, Number.NaN, 1, -9, 0, 0, 0, 0])).size).toBe(4)
  })

  it('keep missing apart', () => {
    expect(mapOf(numeric('x', 4, 'level'), 3, [1, 1, 1, 1, 9])).toEqual([0, 0, 1, 1, 2])
    expect(mapOf(nominal('x', ['a', 'b', 'c'], { missing: 'level' }), 3, [0.1, 0.6, 0.1, 0.2])).toEqual([0, 1, 0, 2])
    expect(mapOf(numeric('x', 4, 'level'), 1, [1, 1, 1, 1, 9])).toEqual([0, 0, 0, 0, 0])
  })

  it('of names are the commonest and a rest, in the order of levels', () => {
    expect(mapOf(nominal('x', letters(6)), 3, [0.02, 0.5, 0.03, 0.3, 0.1, 0.05])).toEqual([0, 1, 0, 2, 0, 0])
    expect(mapOf(nominal('x', letters(4), { ordered: true }), 2, [0.25, 0.25, 0.25, 0.25])).toEqual([0, 0, 1, 1])
  })

  it('of codes join their ancestor first', () => {
    const codes = ['E10', 'E11', 'E12', 'E13', 'I10', 'I11', 'I20', 'I21', 'Z00']
    const column = nominal('icd', codes, { hierarchy: { prefixes: [1, 2] } })
    // Chapters first, then what is common inside them; Z00 is left to the rest.
    expect(mapOf(column, 3, [0.2, 0.2, 0.04, 0.04, 0.2, 0.1, 0.05, 0.05, 0.12])).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2])
    expect(mapOf(column, 4, [0.05, 0.3, 0.02, 0.03, 0.4, 0.1, 0.02, 0.03, 0.05])).toEqual([0, 0, 0, 0, 1, 2, 2, 2, 3])
  })

  test.prop([
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 40 }),
    fc.integer({ min: 1, max: 12 }),
    fc.constantFrom('numeric', 'nominal', 'codes'),
    fc.boolean(),
  ])('are all planned groups, and ordered columns keep their order', (mass, most, kind, missing) => {
    const extra = { missing: missing ? 'level' : 'refuse' } as const
    const levels = mass.length - (missing ? 1 : 0)
    const column =
      kind === 'numeric'
        ? numeric('x', levels, extra.missing)
        : nominal('x', letters(levels), { ...extra, ...(kind === 'codes' ? { hierarchy: { prefixes: [7] } } : {}) })
    const [size] = plannedSizes([column], most)
    const map = mapOf(column, size!, mass)
    expect(map.every((group) => group < size!)).toBe(true)
    if (kind === 'numeric') {
      expect(map).toEqual(map.toSorted((a, b) => a - b))
      expect(new Set(map).size).toBe(size)
    }
    if (missing && size! > 1) expect(map.filter((group) => group === map.at(-1))).toHaveLength(1)
  })

  it('are found in milliseconds for 10,000 levels', () => {
    const codes = Array.from({ length: 10_000 }, (_, i) => `C${String(i).padStart(5, '0')}`)
    const mass = Float64Array.from(codes, (_, i) => ((i * 7919) % 101) ** 4)
    const columns = [nominal('icd', codes, { hierarchy: { prefixes: [2, 4] } }), numeric('grid', 10_000)]
    const start = process.cpuUsage().user
    groupingOf(columns, plannedSizes(columns, 64), Float64Array.of(...mass, ...mass))
    expect((process.cpuUsage().user - start) / 1000).toBeLessThan(1000)
  })
})

describe('plannedSizes', () => {
  const columns = [numeric('x', 20, 'level'), nominal('y', ['a', 'b'])]
  it('are the levels, at most so many', () => {
    expect(plannedSizes(columns, 64)).toEqual([21, 2])
    expect(plannedSizes(columns, 5)).toEqual([5, 2])
    expect(plannedSizes(columns, [21, 1])).toEqual([21, 1])
  })
  it('refuse other limits', () => {
    for (const most of [0, 1.5, Number.NaN, [4], [4, 0]])
      expect(() => plannedSizes(columns, most)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
  })
})

describe('a grouping', () => {
  const columns = [numeric('x', 6, 'level'), nominal('y', letters(5)), nominal('z', ['a', 'b'])]
  const sizes = [4, 3, 2]
  const shares = Float64Array.of(0.1, 0.3, 0.1, 0, 0.2, 0.1, 0.2, 0.6, 0.1, 0.1, 0.2, 0, 0.5, 0.5)
  const grouping = groupingOf(columns, sizes, shares)

  it('travels', () => {
    expect(decodeGrouping(columns, sizes, encodeGrouping(grouping))).toEqual(grouping)
    expect(grouping.isTrivial).toBe(false)
    expect(groupingOf(columns, [7, 5, 2], shares).isTrivial).toBe(true)
  })

  it('R14: is refused with a number that is no planned group', () => {
    const sent = encodeGrouping(grouping)
    for (const wrong of [-1, 4, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => decodeGrouping(columns, sizes, sent.with(0, wrong))).toThrow(
        expect.objectContaining({ code: 'ROUND_REFUSED' }),
      )
    expect(() => decodeGrouping(columns, sizes, sent.subarray(1))).toThrow(
      expect.objectContaining({ code: 'ROUND_REFUSED' }),
    )
  })

  it('coarsens rows, what is outside stays outside', () => {
    const rows = Uint16Array.of(6, 0, 1, 2, 4, 0, 7, 0, 1, 0, 65_535, 2)
    const coarse = coarsen(grouping, rows)
    for (const [i, code] of rows.entries()) {
      const j = i % 3
      const inside = code < grouping.fine.sizes[j]!
      expect(coarse[i]).toBe(inside ? grouping.map[grouping.fine.offsets[j]! + code] : 65_535)
    }
  })

  it('gives every level its share of its group', () => {
    const coarse = coarseShares(grouping, shares)
    const levels = levelsOf(grouping, shares)
    expect(levels[2]).toBe(null)
    for (const [j, cells] of levels.entries()) {
      cells?.share.forEach((share, code) => {
        const back = share * coarse[grouping.layout.offsets[j]! + cells.parent[code]!]!
        expect(back).toBeCloseTo(shares[grouping.fine.offsets[j]! + code]!, 12)
      })
    }
  })

  it('never gives a share that is no number', () => {
    const empty: Grouping = groupingOf(columns, sizes, new Float64Array(14))
    for (const cells of levelsOf(empty, new Float64Array(14))) {
      if (cells === null) continue
      const total = new Float64Array(4)
      cells.share.forEach((share, code) => {
        total[cells.parent[code]!]! += share
      })
      for (const group of new Set(cells.parent)) expect(total[group]).toBeCloseTo(1, 12)
    }
  })
})
