import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clipNorm, count, delta, epsilon, noiseMultiplier, samplingRate } from './units.ts'
import { roundId, siteId } from './ids.ts'

const refused = expect.objectContaining({ code: 'UNIT_OUT_OF_RANGE' })

describe('units', () => {
  it('refuses NaN, infinity and negatives everywhere, and zero where zero would mean "none"', () => {
    for (const unit of [epsilon, delta, noiseMultiplier, clipNorm, samplingRate]) {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, -Number.MIN_VALUE])
        expect(() => unit(value)).toThrow(refused)
    }
    for (const unit of [epsilon, noiseMultiplier, clipNorm, samplingRate]) expect(() => unit(0)).toThrow(refused)
    expect(delta(0)).toBe(0)
    expect(() => delta(1)).toThrow(refused)
    expect(() => samplingRate(1 + Number.EPSILON)).toThrow(refused)
  })

  it('hands back what it accepts, unchanged', () => {
    fc.assert(
      fc.property(fc.double({ min: Number.MIN_VALUE, max: 1, noNaN: true }), (value) => {
        for (const unit of [epsilon, noiseMultiplier, clipNorm, samplingRate]) expect(unit(value)).toBe(value)
      }),
    )
  })

  it('counts whole numbers that a double holds exactly', () => {
    expect(count('rows', 3, 1)).toBe(3)
    for (const value of [0, 1.5, 2 ** 53, Number.NaN]) expect(() => count('rows', value, 1)).toThrow(refused)
  })
})

describe('ids', () => {
  it('parses on entry and names the form, not the text', () => {
    expect(siteId('north-2')).toBe('north-2')
    for (const text of ['', 'North', '2north', 'a'.repeat(41), 'no rth', 'north\n'])
      expect(() => siteId(text)).toThrow(expect.objectContaining({ code: 'ID_MALFORMED' }))
    expect(() => roundId('F'.repeat(64))).toThrow(expect.objectContaining({ code: 'ID_MALFORMED' }))
  })
})
