import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { atLeastFigure, atMostFigure, atMostText, beliefText, odds } from './odds.ts'

const size = fc.double({ min: -8, max: 6, noNaN: true }).map((power) => 10 ** power)
const digits = fc.integer({ min: 1, max: 6 })

describe('a printed bound is on the safe side, by less than one unit of its last digit', () => {
  property.prop([size, digits])('with digits after the point', (bound, places) => {
    const printed = Number(atMostText(bound, places))
    expect(printed).toBeGreaterThanOrEqual(bound)
    expect(printed - bound).toBeLessThan(10 ** -places * (1 + 1e-9))
  })

  property.prop([size, digits])('with significant digits, up or down', (bound, places) => {
    const unit = 10 ** (Math.floor(Math.log10(bound)) + 1 - places)
    const [most, least] = [Number(atMostFigure(bound, places)), Number(atLeastFigure(bound, places))]
    expect(most).toBeGreaterThanOrEqual(bound)
    expect(least).toBeLessThanOrEqual(bound)
    expect(most - least).toBeLessThan(unit * (1 + 1e-9))
  })

  property.prop([fc.double({ min: 0, max: 40, noNaN: true }), fc.constantFrom(0.01, 0.1, 0.5, 0.9)])(
    'as a belief',
    (epsilon, before) => {
      const belief = odds(epsilon, before)
      const text = beliefText(belief)
      if (text === 'practically 100 %') {
        expect(belief).toBeGreaterThan(0.999)
        return
      }
      const printed = Number(/^([\d.]+) %$/.exec(text)?.[1])
      expect(printed).toBeGreaterThanOrEqual(100 * belief)
      expect(printed).toBeLessThan(100)
      expect(printed - 100 * belief).toBeLessThanOrEqual(1)
    },
  )
})

test.each([
  [0.01, '1 %'],
  [0.1, '10 %'],
  [0.5, '50 %'],
  [0.9, '90 %'],
  [0.0268, '2.7 %'],
  [0.95257, '96 %'],
  [0.98201, '99 %'],
  [0.99, '99 %'],
  [0.9901, '99.1 %'],
  [0.99891, '99.9 %'],
  [0.99901, 'practically 100 %'],
  [1, 'practically 100 %'],
])('a belief of %d is told as %s', (belief, text) => {
  expect(beliefText(belief)).toBe(text)
})

test.each([
  [2.628, 1, '2.7'],
  [2.6, 1, '2.6'],
  [9.96, 1, '10.0'],
  [0, 3, '0.000'],
  [Infinity, 3, 'Infinity'],
])('%d with %d digits after the point is %s', (bound, places, text) => {
  expect(atMostText(bound, places)).toBe(text)
})

test.each([
  [3.3961377259949246, 5, '3.3962', '3.3961'],
  [9.9999, 3, '10', '9.99'],
  [1e-5, 3, '0.00001', '0.00001'],
  [1000.0001, 4, '1001', '1000'],
  [0, 4, '0', '0'],
  [Infinity, 4, 'Infinity', 'Infinity'],
])('%d with %d significant digits is at most %s and at least %s', (bound, places, most, least) => {
  expect([atMostFigure(bound, places), atLeastFigure(bound, places)]).toEqual([most, least])
})
