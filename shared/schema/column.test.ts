import { test } from '@fast-check/vitest'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { columnSchema } from '../study/study-schema.ts'
import {
  type Column,
  decodeCell,
  encodeAnyCell,
  encodeCell,
  layoutOfColumns,
  levelName,
  sizeOfColumn,
} from './column.ts'

const column = (spec: object, missingTexts: string[] = ['?']): Column => ({
  ...columnSchema.parse({ name: 'x', ...spec }),
  missingTexts,
})
const numeric = (spec: object) => column({ kind: 'numeric', ...spec })
const categorical = (spec: object) => column({ kind: 'categorical', ...spec })

/** Bins with up to two decimals, ascending, whole where the column is. */
const numericColumns = fc
  .record({
    starts: fc.uniqueArray(fc.integer({ min: -5000, max: 5000 }), { minLength: 1, maxLength: 12 }),
    above: fc.integer({ min: 0, max: 500 }),
    integer: fc.boolean(),
    decimals: fc.integer({ min: 0, max: 2 }),
    level: fc.boolean(),
  })
  .map(({ starts, above, integer, decimals, level }) => {
    const scale = integer ? 1 : 10 ** decimals
    const bins = starts.toSorted((a, b) => a - b).map((start) => start / scale)
    const maximum = (Math.max(...starts) + above) / scale
    return numeric({ bins, maximum, integer, missing: level ? 'level' : 'refuse' })
  })

describe('numeric columns', () => {
  test.prop([numericColumns, fc.nat(), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })])(
    'a decoded code encodes to itself, wherever in the bin it fell',
    (spec, seed, uniform) => {
      const code = seed % sizeOfColumn(spec)
      expect(encodeCell(spec, decodeCell(spec, code, uniform))).toBe(code)
    },
  )

  test.prop([numericColumns, fc.string()])('every text has a code after approval', (spec, text) => {
    const code = encodeAnyCell(spec, text)
    expect(code >= 0 && code < sizeOfColumn(spec)).toBe(true)
  })

  it('bins are right-open, the maximum is inside', () => {
    const spec = numeric({ bins: [1, 8, 18], maximum: 30, integer: true })
    expect(['1', '7', '8', '17', '18', '30'].map((text) => encodeCell(spec, text))).toEqual([0, 0, 1, 1, 2, 2])
    expect([0, 1, 2].map((code) => levelName(spec, code))).toEqual(['[1, 8)', '[8, 18)', '[18, 30]'])
  })

  it('3, 3.0, +3 and 3e0 are one number; what is no number is refused', () => {
    const spec = numeric({ bins: [0, 3, 4], maximum: 9, integer: true })
    expect(['3', '3.0', '+3', '3e0', ' 3 '].map((text) => encodeCell(spec, text))).toEqual([1, 1, 1, 1, 1])
    for (const text of ['three', '0x3', 'NaN', 'Infinity', '1e999', '3,0', '3.5', '-1', '10', '?', ''])
      expect(encodeCell(spec, text)).toBe(-1)
  })

  it('clamps outside values only where the study says so', () => {
    const spec = numeric({ bins: [10, 20], maximum: 30, outside: 'clamp' })
    expect([encodeCell(spec, '-5'), encodeCell(spec, '900')]).toEqual([0, 1])
    expect(encodeCell(spec, 'high')).toBe(-1)
  })

  it('draws integers and decimals over the whole bin and never beside it', () => {
    const spec = numeric({ bins: [0, 0.1, 1], maximum: 2.5 })
    const draws = Array.from({ length: 400 }, (_, i) => decodeCell(spec, 1, i / 400))
    expect(new Set(draws)).toEqual(new Set(['0.1', '0.2', '0.3', '0.4', '0.5', '0.6', '0.7', '0.8', '0.9']))
    const ages = numeric({ bins: [60, 65, 70], maximum: 72, integer: true })
    expect(new Set(Array.from({ length: 60 }, (_, i) => decodeCell(ages, 2, i / 60)))).toEqual(
      new Set(['70', '71', '72']),
    )
  })

  it('a bin of one value is exact', () => {
    const spec = numeric({ bins: [0, 1, 100], maximum: 700, integer: true })
    expect(decodeCell(spec, 0, 0.99)).toBe('0')
    expect(levelName(spec, 0)).toBe('0')
  })
})

describe('categorical columns', () => {
  it('compares exact text, unless the texts are numbers', () => {
    const exact = categorical({ levels: ['1', '2'] })
    expect(['1', '1.0', ' 1', '3'].map((text) => encodeCell(exact, text))).toEqual([0, -1, -1, -1])
    const numbers = categorical({ levels: ['1', '2.0'], numeric_text: true })
    expect(['1', '1.0', '2', '02', 'one'].map((text) => encodeCell(numbers, text))).toEqual([0, 0, 1, 1, -1])
    expect(decodeCell(numbers, 1, 0)).toBe('2.0')
  })

  it('counts unlisted texts as the declared level', () => {
    const spec = categorical({ levels: ['a', 'other'], other: 'other' })
    expect(encodeCell(spec, 'z')).toBe(1)
    expect(encodeCell(spec, null)).toBe(-1)
  })

  test.prop([
    fc.uniqueArray(
      fc.string({ minLength: 1 }).filter((text) => text !== '?'),
      { minLength: 1 },
    ),
    fc.nat(),
  ])('a level decodes to its original text and back', (levels, seed) => {
    const spec = categorical({ levels, missing: 'level' })
    const code = seed % (levels.length + 1)
    expect(encodeCell(spec, decodeCell(spec, code, 0.5))).toBe(code)
  })
})

describe('missing', () => {
  it('is a level of its own, the last, and decodes to the text of the source', () => {
    const spec = numeric({ bins: [0, 5], maximum: 9, missing: 'level' })
    expect([null, '', '?'].map((text) => encodeCell(spec, text))).toEqual([2, 2, 2])
    expect(decodeCell(spec, 2, 0.3)).toBe('?')
    expect(levelName(spec, 2)).toBe('(missing)')
    expect(layoutOfColumns([spec, categorical({ levels: ['a'] })])).toEqual({ sizes: [3, 1] })
  })

  it('falls back by a fixed rule after approval: missing level, nearest bin, first level', () => {
    const strict = numeric({ bins: [10, 20], maximum: 30 })
    expect(['-4', '99', 'x', null].map((text) => encodeAnyCell(strict, text))).toEqual([0, 1, 0, 0])
    const levelled = categorical({ levels: ['a', 'b'], missing: 'level' })
    expect(['zzz', null, 'b'].map((text) => encodeAnyCell(levelled, text))).toEqual([2, 2, 1])
    expect(encodeAnyCell(categorical({ levels: ['a', 'b'] }), 'zzz')).toBe(0)
  })

  it('refuses a code outside the column', () => {
    const spec = categorical({ levels: ['a', 'b'] })
    for (const code of [-1, 2, 0.5]) expect(() => decodeCell(spec, code, 0)).toThrow(/0 to 1/)
  })
})
