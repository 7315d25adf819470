import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { layoutOf } from '../synthesizers/cells.ts'
import { counterRandom } from '../synthesizers/counter-random.ts'
import { type ProductComponents, productSampler } from './product-components.ts'

const layout = layoutOf([2, 3, 2])
const shares = [
  [0.9, 0.1, 0.2, 0.3, 0.5, 0.6, 0.4],
  [0.2, 0.8, 0.7, 0.3, 0, 0.1, 0.9],
  [0.5, 0.5, 0.1, 0.1, 0.8, 0, 1],
]
const mixture: ProductComponents = {
  layout,
  probabilities: Float32Array.from(shares.flat()),
  weights: Float64Array.of(1, 2, 1),
}
const weights = [0.25, 0.5, 0.25]
/** By hand: the mass of codes taken so far and `code` next. */
const joint = (codes: readonly number[]) =>
  weights.reduce(
    (sum, weight, k) => sum + codes.reduce((p, code, j) => p * shares[k]![layout.offsets[j]! + code]!, weight),
    0,
  )
const rowsOf = (cells: Uint16Array) =>
  Array.from({ length: cells.length / 3 }, (_, r) => [...cells.subarray(3 * r, 3 * r + 3)])

describe('a mixture of products', () => {
  property.prop([fc.nat(1), fc.nat(2)])('walks by exact conditionals', (a, b) => {
    const walk = productSampler(mixture).walk()
    walk.start()
    const masses = (column: number) =>
      [...walk.logits.subarray(layout.offsets[column], layout.offsets[column + 1])].map(Math.exp)
    masses(0).forEach((mass, code) => expect(mass).toBeCloseTo(joint([code]), 6))
    walk.take(0, a)
    masses(1).forEach((mass, code) => expect(mass).toBeCloseTo(joint([a, code]) / joint([a]), 6))
    walk.take(1, b)
    masses(2).forEach((mass, code) => expect(mass).toBeCloseTo(joint([a, b, code]) / joint([a, b]), 6))
  })

  it('starts anew after each row, and walks do not disturb each other', () => {
    const sampler = productSampler(mixture)
    const [one, other] = [sampler.walk(), sampler.walk()]
    one.start()
    const fresh = one.logits.slice(0, 2)
    one.logits.fill(9)
    one.take(0, 1)
    other.start()
    expect(other.logits.slice(0, 2)).toEqual(fresh)
    one.start()
    expect(one.logits.slice(0, 2)).toEqual(fresh)
  })

  it('draws rows by the joint shares, each row by its number alone', () => {
    const sampler = productSampler(mixture)
    const random = counterRandom(5, 1)
    const rows = 40_000
    const drawn = sampler.drawRows(random, 0, rows)
    const counts = new Map<string, number>()
    for (const row of rowsOf(drawn)) counts.set(row.join(), (counts.get(row.join()) ?? 0) + 1)
    for (const codes of [0, 1].flatMap((a) => [0, 1, 2].flatMap((b) => [0, 1].map((c) => [a, b, c])))) {
      const share = joint(codes)
      const error = Math.abs((counts.get(codes.join()) ?? 0) / rows - share)
      expect(error).toBeLessThan(5 * Math.sqrt(share / rows) + 1e-12)
    }
    expect(sampler.drawRows(random, 700, 50)).toEqual(drawn.slice(2100, 2250))
    expect(productSampler(mixture).drawRows(counterRandom(6, 1), 0, 50)).not.toEqual(drawn.slice(0, 150))
  })

  it('has every component nearly as often as its weight says in any run of rows', () => {
    const parts = layoutOf([8])
    const sampler = productSampler({
      layout: parts,
      probabilities: Float32Array.from({ length: 64 }, (_, i) => (i % 8 === Math.floor(i / 8) ? 1 : 0)),
      weights: new Float64Array(8).fill(1),
    })
    for (const first of [0, 12_345, 1_000_000_000]) {
      const counts = new Float64Array(8)
      for (const code of sampler.drawRows(counterRandom(1, 0), first, 800)) counts[code]! += 1
      for (const count of counts) expect(Math.abs(count - 100)).toBeLessThanOrEqual(3)
    }
  })

  it('keeps its components where a code without mass is taken', () => {
    const walk = productSampler({
      layout: layoutOf([2, 2]),
      probabilities: Float32Array.of(1, 0, 0.5, 0.5),
      weights: Float64Array.of(1),
    }).walk()
    walk.start()
    walk.take(0, 1)
    expect([...walk.logits.subarray(2)].map(Math.exp)).toEqual([0.5, 0.5].map((mass) => expect.closeTo(mass, 6)))
  })

  it.each([
    { ...mixture, weights: Float64Array.of(1, 1) },
    { ...mixture, weights: Float64Array.of(0, 0, 0) },
    { ...mixture, probabilities: mixture.probabilities.map((share, i) => (i === 3 ? Number.NaN : share)) },
    { ...mixture, probabilities: mixture.probabilities.map((share, i) => (i < 2 ? 0 : share)) },
    { ...mixture, weights: new Float64Array(0), probabilities: new Float32Array(0) },
  ])('refuses what is not a mixture (%#)', (broken) => {
    expect(() => productSampler(broken)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
  })
})
