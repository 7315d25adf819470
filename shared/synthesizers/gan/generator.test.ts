import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { chiSquareTail } from '../../../test/harness/goodness-of-fit.ts'
import { conditionModel } from '../../generator/conditioned-model.ts'
import type { CellCondition } from '../cell-condition.ts'
import { layoutOf } from '../cells.ts'
import { counterRandom } from '../counter-random.ts'
import { fixedDraws } from './conditions.ts'
import { decodeGanGenerator, ganGenerator } from './generator.ts'
import { forward, generatorNetOf } from './generator-net.ts'

/** Chance of a false alarm. */
const alarm = 1e-6
const layout = layoutOf([3, 2, 4])
const net = generatorNetOf(layout, 3, 8)
const even = Float64Array.from(layout.sizes.flatMap((size) => Array.from({ length: size }, () => 1 / size)))
const draws = fixedDraws(layout, even, 3, 24, 5)
const random = counterRandom(3, 1)
const params = Float32Array.from({ length: net.dimension }, (_, i) => random.normal(i, 0))
const { shares } = forward(net, params, draws)
const model = { layout, shares, weights: draws.weights, marginals: null, levels: [null, null, null] }
const generator = ganGenerator(model)

const everyRow = layout.sizes.reduce<number[][]>(
  (rows, size) => rows.flatMap((row) => Array.from({ length: size }, (_, code) => [...row, code])),
  [[]],
)
/** Of the mixture, from the net's shares alone. */
const mass = (row: readonly number[]) =>
  draws.weights.reduce(
    (sum, weight, k) =>
      sum + row.reduce((own, code, j) => own * shares[k * layout.cells + layout.offsets[j]! + code]!, weight),
    0,
  )
const leaf = (column: number, ...allowed: number[]): CellCondition => ({ column, allowed: Uint8Array.from(allowed) })
const fits = (cells: Uint16Array, wanted: (row: readonly number[]) => number): number => {
  const counts = new Map<string, number>()
  for (let at = 0; at < cells.length; at += 3) {
    const key = cells.subarray(at, at + 3).join()
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const rows = cells.length / 3
  let statistic = 0
  let terms = 0
  for (const row of everyRow) {
    const expected = rows * wanted(row)
    const seen = counts.get(row.join()) ?? 0
    if (expected === 0) expect(seen).toBe(0)
    if (expected < 5) continue
    statistic += (seen - expected) ** 2 / expected
    terms++
  }
  return chiSquareTail(statistic, terms)
}

describe('the released generator', () => {
  it('draws rows by the mixture of its draws', () => {
    expect(everyRow.reduce((sum, row) => sum + mass(row), 0)).toBeCloseTo(1, 5)
    expect(fits(generator.drawRows(counterRandom(1, 1), 0, 40_000), mass)).toBeGreaterThan(alarm)
    const flat = () => 1 / everyRow.length
    expect(fits(generator.drawRows(counterRandom(1, 1), 0, 40_000), flat)).toBeLessThan(alarm)
  })

  it('walks through conditionals that enumeration gives', () => {
    const walk = generator.walk()
    for (const row of everyRow.filter((_, i) => i % 5 === 0)) {
      walk.start()
      row.forEach((code, j) => {
        const own = walk.logits.slice(layout.offsets[j]!, layout.offsets[j + 1]!)
        const total = own.reduce((sum, logit) => sum + Math.exp(logit), 0)
        const like = everyRow.filter((other) => other.slice(0, j).every((value, i) => value === row[i]))
        const all = like.reduce((sum, other) => sum + mass(other), 0)
        own.forEach((logit, level) => {
          const wanted = like.reduce((sum, other) => sum + (other[j] === level ? mass(other) : 0), 0) / all
          expect(Math.exp(logit) / total).toBeCloseTo(wanted, 4)
        })
        walk.take(j, code)
      })
    }
  })

  it('under a condition on any columns follows the conditional distribution', async () => {
    // (column 0 is 0 or 2, and column 2 is 1) or column 1 is 1: neither leading columns alone nor a product of columns.
    const condition = {
      any: [{ all: [leaf(0, 1, 0, 1), leaf(2, 0, 1, 0, 0)] }, leaf(1, 0, 1)],
    }
    const isMet = ([a, b, c]: readonly number[]) => (a !== 1 && c === 1) || b === 1
    const support = everyRow.reduce((sum, row) => sum + (isMet(row) ? mass(row) : 0), 0)
    const wanted = (row: readonly number[]) => (isMet(row) ? mass(row) / support : 0)
    const conditioned = conditionModel(generator, [null, null, null], condition)
    expect(Math.abs(conditioned.support - support)).toBeLessThan(4.9 * conditioned.supportError + 1e-6)
    const batches: number[] = []
    for await (const cells of conditioned.sample(20_000, 3)) batches.push(...cells)
    expect(fits(Uint16Array.from(batches), wanted)).toBeGreaterThan(alarm)
    expect(fits(Uint16Array.from(batches), (row) => (isMet(row) ? 1 / everyRow.filter(isMet).length : 0))).toBeLessThan(
      alarm,
    )
  })

  it('is read back from its bytes, which other bytes are not', () => {
    const bytes = generator.encode()
    const again = decodeGanGenerator(bytes)
    expect(again.encode()).toEqual(bytes)
    expect(again.drawRows(counterRandom(4, 1), 7, 100)).toEqual(generator.drawRows(counterRandom(4, 1), 7, 100))
    for (const wrong of [
      bytes.subarray(1),
      bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 1),
      new Uint8Array(),
    ])
      expect(() => decodeGanGenerator(wrong)).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
  })

  test.prop([fc.nat(1000), fc.integer({ min: 1, max: 60 })], { numRuns: 15 })(
    'draws row i whatever is drawn before it',
    (first, rows) => {
      const from = generator.drawRows(counterRandom(2, 1), first, rows)
      const whole = generator.drawRows(counterRandom(2, 1), 0, first + rows)
      expect(whole.subarray(first * 3)).toEqual(from)
    },
  )
})
