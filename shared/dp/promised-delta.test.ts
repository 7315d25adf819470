import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pathText } from '../study/finding.ts'
import { freezeStudy, parseStudy } from '../study/manifest.ts'
import { queriesOf } from '../study/plan-block.ts'
import type { StudyDraft } from '../study/study-schema.ts'
import { delta } from '../units.ts'
import { priceOf } from './accountant.ts'
import { checkPromises } from './plan-check.ts'
import { pricePlan } from './plan-price.ts'
import { phasesOf, samplerDistance, samplerReserve } from './plan-queries.ts'

const draft = (() => {
  const url = new URL('../../deploy/samples/studies/heart4.yaml', import.meta.url)
  return parseStudy(readFileSync(url, 'utf8'), 'heart4', 'drop').draft
})()
const manifest = freezeStudy(draft)
const promised = draft.sites.reduce((sum, { promised_rows: rows }) => sum + rows, 0)
const withDelta = (value: number, compared: boolean): StudyDraft => {
  const { published_comparison: _, ...privacy } = draft.privacy
  return { ...draft, privacy: { ...privacy, delta: value, ...(compared && { published_comparison: true as const }) } }
}
const complaints = (value: number, compared = false) =>
  checkPromises(withDelta(value, compared)).map(({ path }) => pathText(path))

test('R20 delta is at most 1 / (10 N) of the promised units, or the study is refused; never by a little', () => {
  expect(draft.privacy.unit).toBe('row')
  const largest = 1 / (10 * promised)
  expect(complaints(largest)).toEqual([])
  expect(complaints(largest * (1 + 1e-9))).toEqual(['privacy.delta'])
  fc.assert(
    fc.property(fc.double({ min: -12, max: -1, noNaN: true }), (log) => {
      expect(complaints(10 ** log)).toEqual(10 ** log > largest ? ['privacy.delta'] : [])
    }),
  )
})

test('R20 a comparison with published tables may have its delta, and carries a flag that no smaller delta has', () => {
  const largest = 1 / (10 * promised)
  expect(complaints(10 * largest, true)).toEqual([])
  const flagOf = (value: number) => pricePlan({ ...manifest, privacy: { ...manifest.privacy, delta: value } }).deltaFlag
  expect(flagOf(1.5 * largest)).toBe(true)
  expect(flagOf(largest)).toBe(false)
})

test("R20 the sampler's distance is 2^-64 for every draw of every site in every attempt, spares included", () => {
  const queries = queriesOf(manifest.plan)
  const draws = queries.reduce((sum, { dimension, attempts }) => sum + dimension * attempts, 0) * manifest.sites.length
  expect(queries.some(({ attempts, steps }) => attempts > steps)).toBe(true)
  expect(samplerDistance(queries, manifest)).toBeCloseTo(draws * 2 ** -64, 25)
})

test('R20 (1 + e^epsilon) times the distance is taken off delta before anything is priced', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 20, noNaN: true }),
      fc.double({ min: -14, max: -5, noNaN: true }),
      (e, log) => {
        const promise = { epsilon: e, delta: 10 ** log }
        const distance = 1e-18
        const charge = (1 + Math.exp(e)) * distance
        if (charge > promise.delta / 2) expect(() => samplerReserve(promise, distance)).toThrow('half of delta')
        else {
          expect(samplerReserve(promise, distance)).toBeGreaterThanOrEqual(charge)
          expect(samplerReserve(promise, distance)).toBeLessThan(0.51 * promise.delta)
        }
      },
    ),
  )
  const { privacy, federation } = manifest
  const queries = queriesOf(manifest.plan)
  const shares = federation.noise_shares
  const price = pricePlan(manifest)
  const reserve = samplerReserve(privacy, price.distance)
  const phases = phasesOf(queries, shares, shares)
  expect(price.epsilon.target.epsilon).toBe(priceOf(phases, delta(privacy.delta - reserve)).epsilon)
  expect(price.epsilon.target.epsilon).toBeGreaterThan(priceOf(phases, delta(privacy.delta)).epsilon)
})
