import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { widestLayout } from '../../test/harness/sealed-round.ts'
import { modulusOf } from './residues.ts'
import { secureRing } from './ring-parameters.ts'
import { blockCount, checkLayout, packBlock, type SlotLayout, unpackBlock } from './slots.ts'
import { largestError } from './thresholds.ts'

const q = modulusOf(secureRing.modulus)
const ring = { degree: 8 }
const refused = (field: string) => expect.objectContaining({ code: 'PLAN_REFUSED', place: { field } })

/** What would open: the packed messages of `vectors` and their errors, added as plain integers modulo q. */
const added = (layout: SlotLayout, vectors: readonly Float64Array[], block: number, error: (i: number) => number) => {
  const sum = new Array<bigint>(ring.degree).fill(0n)
  const out = new BigUint64Array(ring.degree)
  for (const values of vectors) {
    packBlock(layout, values, block, out)
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i]! + out[i]! + BigInt(error(i)) + q.value) % q.value
  }
  return BigUint64Array.from(sum)
}

const cases = fc
  .record({
    sites: fc.integer({ min: 1, max: 64 }),
    k: fc.constantFrom(1 as const, 2 as const, 3 as const),
    dimension: fc.integer({ min: 1, max: 40 }),
  })
  .chain(({ sites, k, dimension }) => {
    const layout = widestLayout(dimension, sites, k)
    const value = fc.oneof(
      fc.integer({ min: -layout.bound, max: layout.bound }),
      fc.constantFrom(-layout.bound, layout.bound),
    )
    return fc.record({
      layout: fc.constant(layout),
      vectors: fc.array(fc.array(value, { minLength: dimension, maxLength: dimension }), {
        minLength: 1,
        maxLength: sites,
      }),
      error: fc.constantFrom(-largestError, -1, 0, 1, largestError),
    })
  })

describe('slots', () => {
  property.prop([cases])(
    'R12 sums are exact at any size, any number of contributors and any error',
    ({ layout, vectors, error }) => {
      checkLayout(q, layout)
      const sums = new Float64Array(layout.dimension)
      const packed = vectors.map((values) => Float64Array.from(values))
      for (let block = 0; block < blockCount(ring, layout); block++) {
        unpackBlock(
          layout,
          vectors.length,
          added(layout, packed, block, () => error),
          block,
          sums,
        )
      }
      const expected = sums.map((_, i) => vectors.reduce((sum, values) => sum + values[i]!, 0))
      expect([...sums]).toEqual([...expected])
    },
  )

  it.each([1, 2, 3] as const)(
    'R12 all at either bound with all errors at either bound stay exact, %i a coefficient',
    (k) => {
      for (const sites of [1, 3, 5, 10, 64, 97]) {
        const layout = widestLayout(ring.degree * k, sites, k)
        for (const value of [-layout.bound, layout.bound]) {
          const vectors = Array.from({ length: sites }, () => new Float64Array(layout.dimension).fill(value))
          for (const error of [-largestError, largestError]) {
            const sums = new Float64Array(layout.dimension)
            unpackBlock(
              layout,
              sites,
              added(layout, vectors, 0, () => error),
              0,
              sums,
            )
            expect(new Set(sums)).toEqual(new Set([value * sites]))
          }
        }
      }
    },
  )

  it('an error beyond 21 a contributor, a slot out of reach and a place after the end show', () => {
    const invalid = expect.objectContaining({ code: 'AGGREGATE_INVALID' })
    const layout = { ...widestLayout(15, 3, 2), bound: 100 }
    const vectors = [100, 0, -100].map((value) => new Float64Array(15).fill(value))
    const sums = new Float64Array(15)
    const coefficients = added(layout, vectors, 0, () => 0)
    const open = (change: bigint, at: number, contributors = 3) => {
      const copy = coefficients.slice()
      copy[at] = copy[at]! + change
      unpackBlock(layout, contributors, copy, 0, sums)
    }
    open(63n, 2)
    expect(() => open(64n, 2)).toThrow(invalid)
    open(-63n, 2)
    expect(() => open(-64n, 2)).toThrow(invalid)
    const scale = 1n << BigInt(layout.scaleBits)
    open(300n * scale, 0)
    expect(() => open(301n * scale, 0)).toThrow(invalid)
    expect(() => open(-301n * scale, 0)).toThrow(invalid)
    expect(() => open(301n * (scale << BigInt(layout.slotBits)), 0)).toThrow(invalid)
    open(scale << BigInt(layout.slotBits), 6)
    expect(() => open(scale << BigInt(layout.slotBits), 7)).toThrow(invalid)
    expect(() => open(0n, 0, 2)).toThrow(invalid)
  })

  it('values that are not whole numbers within the bound are refused before anything is sealed', () => {
    const layout = { ...widestLayout(4, 3, 2), bound: 10 }
    const out = new BigUint64Array(ring.degree)
    for (const wrong of [11, -11, 0.5, Number.NaN, Infinity]) {
      expect(() => packBlock(layout, Float64Array.of(0, wrong, 0, 0), 0, out)).toThrow(
        expect.objectContaining({ code: 'INTERNAL', message: 'value 1 is no whole number within the bound' }),
      )
    }
  })

  it.each([3, 5, 10, 50, 64])('layouts for %i sites pass up to the last bound that is provably exact', (sites) => {
    for (const k of [1, 2, 3] as const) {
      const widest = widestLayout(100, sites, k)
      checkLayout(q, widest)
      expect(() => checkLayout(q, { ...widest, bound: widest.bound + 1 })).toThrow(refused('bound'))
      expect(() => checkLayout(q, { ...widest, scaleBits: widest.scaleBits - 1 })).toThrow(refused('scaleBits'))
      expect(() => checkLayout(q, { ...widest, contributors: sites * 2 })).toThrow(
        expect.objectContaining({ code: 'PLAN_REFUSED' }),
      )
    }
  })

  it('a message that reaches the modulus is refused to the unit', () => {
    // 2^8 M + 21 * 5 < q: with one slot of 50 bits and five sites, the largest bound by exact arithmetic.
    const most = (q.value - 105n - 1n) >> 8n
    const bound = Number((most / 5n - 1n) / 2n)
    const layout = {
      dimension: 1,
      contributors: 5,
      valuesPerCoefficient: 1,
      slotBits: 50,
      scaleBits: 8,
      bound,
    } as const
    checkLayout(q, layout)
    expect(() => checkLayout(q, { ...layout, bound: bound + 1 })).toThrow(refused('slotBits'))
  })
})
