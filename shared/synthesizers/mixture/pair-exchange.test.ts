import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { layoutOf } from '../cells.ts'
import { counterRandom } from '../counter-random.ts'
import { drawRows } from './draw-rows.ts'
import { type Mixture, pairShares } from './mixture.ts'
import { exchangePairs } from './pair-exchange.ts'

const random = counterRandom(3, 1)

/** Components with random shares. */
const mixtureOf = (sizes: readonly number[], components: number, seed: number): Mixture => {
  const layout = layoutOf(sizes)
  const own = counterRandom(seed, 4)
  const probabilities = new Float32Array(components * layout.cells)
  for (let b = 0; b < components; b++)
    sizes.forEach((size, j) => {
      const masses = Array.from({ length: size }, (_, c) => own.uniform(b, layout.offsets[j]! + c) ** 3 + 1e-3)
      const total = masses.reduce((x, y) => x + y, 0)
      masses.forEach((mass, c) => {
        probabilities[b * layout.cells + layout.offsets[j]! + c] = mass / total
      })
    })
  return {
    layout,
    components,
    probabilities,
    marginals: new Float64Array(layout.cells),
    levels: sizes.map(() => null),
    law: null,
  }
}

const pairCounts = ({ offsets, cells: width }: Mixture['layout'], cells: Uint16Array, columns: number) => {
  const counts = new Float64Array(width * width)
  for (let at = 0; at < cells.length; at += columns)
    for (let i = 0; i < columns; i++)
      for (let j = 0; j < columns; j++)
        if (i !== j) counts[(offsets[i]! + cells[at + i]!) * width + offsets[j]! + cells[at + j]!]! += 1
  return counts
}

/** Mean absolute error of a cell's count. */
const pairError = (mixture: Mixture, cells: Uint16Array, expected: Float32Array): number => {
  const columns = mixture.layout.sizes.length
  const rows = cells.length / columns
  const { cells: width } = mixture.layout
  const columnOf = mixture.layout.sizes.flatMap((size, j) => Array.from({ length: size }, () => j))
  return pairCounts(mixture.layout, cells, columns).reduce(
    (sum, count, at) =>
      columnOf[Math.floor(at / width)] === columnOf[at % width]
        ? sum
        : sum + Math.abs(count - rows * expected[at]!) / width ** 2,
    0,
  )
}

/** Every component's values of every column, sorted. */
const valuesOf = (cells: Uint16Array, starts: Uint32Array, columns: number) =>
  Array.from({ length: starts.length - 1 }, (_, b) =>
    Array.from({ length: columns }, (_column, j) =>
      [...cells.subarray(starts[b]! * columns, starts[b + 1]! * columns)]
        .filter((_code, at) => at % columns === j)
        .sort((x, y) => x - y),
    ),
  )

describe('pairs exchanged inside components', () => {
  test.prop([fc.array(fc.integer({ min: 2, max: 6 }), { minLength: 1, maxLength: 5 }), fc.nat(1000), fc.nat(80)], {
    numRuns: 40,
  })("keeps every component's values of every column, and never makes pairs worse", (sizes, seed, rows) => {
    const mixture = mixtureOf(sizes, 3, seed)
    const expected = pairShares(mixture)!
    const columns = sizes.length
    const own = counterRandom(seed, 9)
    const cells = Uint16Array.from({ length: rows * columns }, (_, i) =>
      Math.floor(own.uniform(i, 0) * sizes[i % columns]!),
    )
    const starts = Uint32Array.of(0, Math.floor(rows / 3), Math.floor(rows / 3), rows)
    const before = cells.slice()
    exchangePairs(mixture.layout, { cells, starts }, expected, random, { row: seed, draw: 5 })
    expect(valuesOf(cells, starts, columns)).toEqual(valuesOf(before, starts, columns))
    const squared = (of: Uint16Array) =>
      pairCounts(mixture.layout, of, columns).reduce(
        (sum, count, at) => sum + (count - rows * expected[at]!) ** 2 / Math.sqrt(Math.max(rows * expected[at]!, 1)),
        0,
      )
    expect(squared(cells)).toBeLessThanOrEqual(squared(before) + 1e-3)
  })

  it('takes most of the chance out of pairs of drawn rows', () => {
    const mixture = mixtureOf([5, 4, 8, 3, 6], 40, 2)
    const expected = pairShares(mixture)!
    const chance = pairError(mixture, drawRows(mixture, null, random, 0, 8000), expected)
    const exchanged = pairError(mixture, drawRows(mixture, expected, random, 0, 8000), expected)
    expect(exchanged).toBeLessThan(0.3 * chance)
  })

  it('leaves rows of a wide table within the same bound of work', () => {
    const mixture = mixtureOf(
      Array.from({ length: 60 }, () => 3),
      20,
      2,
    )
    const expected = pairShares(mixture)!
    const chance = pairError(mixture, drawRows(mixture, null, random, 0, 2000), expected)
    expect(pairError(mixture, drawRows(mixture, expected, random, 0, 2000), expected)).toBeLessThan(chance)
  })

  it('keeps no pairs of a layout too large for their square', () => {
    expect(pairShares(mixtureOf([1500, 1500], 1, 1))).toBeNull()
  })
})
