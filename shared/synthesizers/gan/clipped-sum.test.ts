import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { clipNorm } from '../../units.ts'
import { layoutOf } from '../cells.ts'
import { counterRandom } from '../counter-random.ts'
import { criticGradientSum } from './clipped-sum.ts'
import { pairLayoutOf } from '../mixture/pair-layout.ts'
import { type Critic, criticOf, initialCritic } from './critic.ts'

const layout = layoutOf([3, 2, 4])
const columns = layout.sizes.length
const pairs = pairLayoutOf(layout)
const worth = Float32Array.of(1, 2.5, 0.4)
const critic = criticOf(pairs, worth, 5, 0.6)
const pairsAlone = criticOf(pairs, worth, 0, 0.6)
const C = 0.7
const clip = clipNorm(C)

const norm = (vector: ArrayLike<number>) => Math.hypot(...Array.from(vector))
const minus = (one: Float64Array, other: Float64Array) => one.map((value, i) => value - other[i]!)
const sumOf = (of: Critic, params: Float32Array, cells: readonly number[], counts: readonly number[] | null = null) =>
  criticGradientSum(of, params, Uint16Array.from(cells), clip, counts === null ? null : Uint8Array.from(counts)).sum

const weightsOf = (of: Critic, seed: number, scale: number) => {
  const random = counterRandom(seed, 1)
  return Float32Array.from({ length: of.weights }, (_, i) => scale * random.normal(i, 0))
}

/** D at a row, from dense one-hot vectors and packed weights of all parts: no code in common with the product. */
const criticAt = (packed: Float64Array, row: readonly number[]): number => {
  const hidden = critic.hidden
  const input = layout.sizes.flatMap((size, j) => Array.from({ length: size }, (_, code) => (row[j] === code ? 1 : 0)))
  let at = 0
  let value = 0
  for (let i = 0; i < columns; i++)
    for (let j = i + 1; j < columns; j++)
      for (let a = 0; a < layout.sizes[i]!; a++)
        for (let b = 0; b < layout.sizes[j]!; b++) {
          const left = input[layout.offsets[i]! + a]! - 1 / layout.sizes[i]!
          const right = input[layout.offsets[j]! + b]! - 1 / layout.sizes[j]!
          value += packed[at++]! * worth[i + j - 1]! * left * right
        }
  const weights = packed.subarray(at)
  const bias = layout.cells * hidden
  for (let k = 0; k < hidden; k++) {
    let unit = weights[bias + k]!
    for (let cell = 0; cell < layout.cells; cell++) unit += input[cell]! * weights[cell * hidden + k]!
    value += weights[bias + hidden + k]! * Math.max(unit, 0)
  }
  return value
}

/** The clipped gradient at one row by central differences: D is linear in every single weight away from a unit's kink. */
const oracle = (params: Float32Array, row: readonly number[]): Float64Array => {
  const packed = new Float64Array(critic.dimension)
  packed.set(params, critic.pairs.dimension)
  const step = 1e-5
  const raw = packed.map((_, i) => {
    const [up, down] = [packed.slice(), packed.slice()]
    up[i]! += step
    down[i]! -= step
    return (criticAt(up, row) - criticAt(down, row)) / (2 * step)
  })
  const pairs = raw.subarray(0, critic.pairs.dimension)
  const network = raw.subarray(critic.pairs.dimension)
  const target = C * (1 - 2 ** -10)
  const pairsLimit = Math.sqrt(0.6) * target
  const networkLimit = Math.sqrt(0.4) * target
  const all = new Float64Array(critic.dimension)
  all.set(pairs.map((value) => (value * pairsLimit) / norm(pairs)))
  const scale = Math.min(1, networkLimit / norm(network))
  all.set(
    network.map((value) => value * scale),
    critic.pairs.dimension,
  )
  return all
}

const rowArbitrary = fc.tuple(fc.nat(2), fc.nat(1), fc.nat(3))
const rowsArbitrary = fc.array(rowArbitrary, { maxLength: 6 })

describe("the critic's clipped gradient", () => {
  for (const [name, scale] of [
    ['clipped', 1],
    ['short of the clip norm', 0.02],
  ] as const)
    test.prop([rowArbitrary, fc.nat()], { numRuns: 15 })(
      `of one row, ${name}, is that of central differences`,
      (row, seed) => {
        const params = weightsOf(critic, seed, scale)
        const wanted = oracle(params, row)
        expect(norm(minus(sumOf(critic, params, row), wanted))).toBeLessThan(1e-5)
        const network = norm(wanted.subarray(critic.pairs.dimension))
        if (scale < 1) expect(network).toBeLessThan(Math.sqrt(0.4) * C * 0.999)
      },
    )

  test.prop([rowsArbitrary, fc.nat()], { numRuns: 15 })('of rows is the sum of theirs', (rows, seed) => {
    const params = weightsOf(critic, seed, 1)
    const wanted = new Float64Array(critic.dimension)
    for (const row of rows) oracle(params, row).forEach((value, i) => (wanted[i]! += value))
    expect(norm(minus(sumOf(critic, params, rows.flat()), wanted))).toBeLessThan(1e-4)
  })

  it('of pairs alone hangs on no weight', () => {
    const one = sumOf(pairsAlone, new Float32Array(0), [2, 1, 3])
    expect([...one].filter((value) => value !== 0)).toHaveLength(pairs.dimension)
    expect(norm(one)).toBeCloseTo(C * (1 - 2 ** -10), 12)
  })
})

describe('sensitivity', () => {
  const scales = fc.constantFrom(0, 0.01, 1, 1e3, 1e15, 1e30, 3e38)
  test.prop([rowsArbitrary, rowArbitrary, fc.nat(), scales, fc.constantFrom(critic, pairsAlone)], { numRuns: 200 })(
    'one row more moves the sum by at most C, whatever the weights',
    (rows, row, seed, scale, of) => {
      const params = weightsOf(of, seed, scale)
      const before = sumOf(of, params, rows.flat())
      const after = sumOf(of, params, [...rows.flat(), ...row])
      expect(after.every(Number.isFinite)).toBe(true)
      expect(norm(minus(after, before))).toBeLessThanOrEqual(C)
      const elsewhere = sumOf(of, params, [...row, ...rows.flat()])
      expect(norm(minus(elsewhere, before))).toBeLessThanOrEqual(C)
    },
  )

  it('is used up: a row is nearly C long, so that a bound of C is no more than needed', () => {
    expect(norm(sumOf(critic, weightsOf(critic, 3, 10), [0, 1, 2]))).toBeCloseTo(C * (1 - 2 ** -10), 6)
  })

  test.prop([rowsArbitrary, fc.array(fc.tuple(fc.nat(65_535), fc.nat(65_535), fc.nat(65_535)), { maxLength: 5 })])(
    'padding adds nothing at all, whatever stands in it',
    (rows, padding) => {
      const params = weightsOf(critic, 9, 1)
      const counts = [...rows.map(() => 1), ...padding.map(() => 0)]
      const padded = sumOf(critic, params, [...rows.flat(), ...padding.flat()], counts)
      expect(padded).toEqual(sumOf(critic, params, rows.flat()))
    },
  )

  it('R14 a row that is not finite, or has a code that does not exist, adds nothing; others count as before', () => {
    const params = weightsOf(critic, 2, 1)
    const good = [0, 0, 1]
    const alone = sumOf(critic, params, good)
    for (const bad of [
      [3, 0, 0],
      [0, 65_535, 0],
      [0, 0, 4],
    ])
      expect(sumOf(critic, params, [...bad, ...good])).toEqual(alone)
    // Level 2 of the first column alone overflows.
    const huge = params.slice()
    huge.fill(3e38, 2 * critic.hidden, 3 * critic.hidden)
    huge.fill(3e38, critic.output)
    const sum = sumOf(critic, huge, [2, 0, 0, ...good])
    expect(sum.every(Number.isFinite)).toBe(true)
    expect(norm(sum)).toBeLessThanOrEqual(2 * C)
  })

  it('of marks that do not fit the rows is refused', () => {
    expect(() => sumOf(critic, weightsOf(critic, 1, 1), [0, 0, 0], [1, 1])).toThrow(
      expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
    )
  })
})

it('a fresh critic is finite and the same for a seed', () => {
  expect(initialCritic(critic, 4)).toEqual(initialCritic(critic, 4))
  expect(initialCritic(critic, 4)).not.toEqual(initialCritic(critic, 5))
  expect(initialCritic(critic, 4).every(Number.isFinite)).toBe(true)
})
