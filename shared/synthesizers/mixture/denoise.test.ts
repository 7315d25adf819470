import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { counterRandom } from '../counter-random.ts'
import { layoutOf } from '../cells.ts'
import { denoise, residualTarget } from './denoise.ts'
import { doubleCentre } from './double-centre.ts'
import { pairLayoutOf } from './pair-layout.ts'
import type { PairRelease } from './pair-release.ts'
import { shrunk } from './shrink.ts'
import { singularValues } from './singular-values.ts'

const product = ({ values, left, right }: ReturnType<typeof singularValues>, rows: number, columns: number) => {
  const matrix = new Float64Array(rows * columns)
  values.forEach((value, r) => {
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) matrix[i * columns + j]! += value * left[r]![i]! * right[r]![j]!
  })
  return matrix
}
const distance = (a: Float64Array, b: Float64Array) => Math.hypot(...a.map((value, i) => value - b[i]!))

describe('singularValues', () => {
  it('of known matrices', () => {
    expect([...singularValues(Float64Array.of(3, 0, 0, -4), 2, 2).values]).toEqual([4, 3])
    const { values } = singularValues(Float64Array.of(1, 2, 2, 4, 3, 6), 3, 2)
    expect(values[0]).toBeCloseTo(Math.sqrt(70), 12)
    expect(values[1]).toBeCloseTo(0, 12)
    expect([...singularValues(new Float64Array(6), 2, 3).values]).toEqual([0, 0])
  })

  const matrices = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 })).chain(([rows, columns]) =>
    fc
      .array(fc.integer({ min: -1000, max: 1000 }), {
        minLength: rows * columns,
        maxLength: rows * columns,
      })
      .map((cells) => ({ rows, columns, matrix: Float64Array.from(cells, (cell) => cell / 8) })),
  )
  test.prop([matrices])('multiply back, with orthogonal sides', ({ rows, columns, matrix }) => {
    const found = singularValues(matrix, rows, columns)
    const size = Math.max(1e-300, Math.hypot(...matrix))
    expect(distance(product(found, rows, columns), matrix) / size).toBeLessThan(1e-9)
    expect([...found.values]).toEqual([...found.values].sort((a, b) => b - a))
    for (const side of [found.left, found.right])
      for (let a = 0; a < side.length; a++)
        for (let b = 0; b <= a; b++) {
          if (found.values[Math.max(a, b)]! <= 1e-6 * size) continue
          const dot = side[a]!.reduce((sum, value, i) => sum + value * side[b]![i]!, 0)
          expect(Math.abs(dot - (a === b ? 1 : 0))).toBeLessThan(1e-6)
        }
  })

  it('of a block of 64 x 64', () => {
    const random = counterRandom(5, 0)
    const matrix = Float64Array.from({ length: 4096 }, (_, i) => random.normal(i, 0))
    expect(distance(product(singularValues(matrix, 64, 64), 64, 64), matrix)).toBeLessThan(1e-9)
  })
})

describe('shrunk', () => {
  const rows = 16
  const columns = 24
  const noiseOf = (seed: number) => {
    const random = counterRandom(seed, 0)
    return Float64Array.from({ length: rows * columns }, (_, i) => random.normal(i, 0))
  }
  const signal = Float64Array.from({ length: rows * columns }, (_, i) => {
    const r = Math.floor(i / columns)
    const c = i % columns
    return 3 * Math.cos(r) * Math.sin(c) + ((r % 2) - 0.5) * ((c % 3) - 1)
  })
  doubleCentre(signal, rows, columns)
  const cleaned = (block: Float64Array) => {
    doubleCentre(block, rows, columns)
    return shrunk(block, rows, columns, 1)
  }

  it('finds next to nothing in noise, and takes most noise off a signal', () => {
    const seeds = Array.from({ length: 20 }, (_, seed) => seed)
    const left = seeds.map((seed) => Math.hypot(...(cleaned(noiseOf(seed)) ?? [0])))
    expect(left.filter((length) => length > 0.25 * Math.sqrt(rows * columns))).toEqual([])
    for (const seed of seeds) {
      const noise = noiseOf(seed)
      const raw = Float64Array.from(signal, (value, i) => value + noise[i]!)
      const clean = cleaned(raw.slice())
      expect(distance(clean!, signal)).toBeLessThan(0.75 * distance(raw, signal))
    }
  })

  it('keeps a signal without noise, and gives up a side of one group', () => {
    const kept = shrunk(signal, rows, columns, 1e-6)
    expect(distance(kept!, signal)).toBeLessThan(1e-4)
    expect(shrunk(Float64Array.of(1, 2), 1, 2, 1e-9)).toBe(null)
  })
})

/** Two latent classes; counts of a table of `units` without noise, then noise of `sigma` added. */
const releaseOf = (units: number, sigma: number, seed: number): { release: PairRelease; truth: Float64Array } => {
  const layout = layoutOf([4, 3, 5])
  const pairs = pairLayoutOf(layout)
  const classes = [0, 1].map((z) =>
    Float64Array.from({ length: layout.cells }, (_, cell) => 1 + (((cell + 1) * (z ? 7 : 3)) % 5)),
  )
  for (const shares of classes)
    for (let j = 0; j < 3; j++) {
      const column = shares.subarray(layout.offsets[j]!, layout.offsets[j + 1]!)
      const sum = column.reduce((a, b) => a + b, 0)
      column.forEach((value, i) => {
        column[i] = value / sum
      })
    }
  const margins = classes[0]!.map((value, cell) => (value + classes[1]![cell]!) / 2)
  const truth = new Float64Array(pairs.dimension)
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const [i, j] = [pairs.left[pair]!, pairs.right[pair]!]
    const [rows, columns] = [layout.sizes[i]!, layout.sizes[j]!]
    for (const shares of classes)
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++)
          truth[pairs.offsets[pair]! + r * columns + c]! +=
            (shares[layout.offsets[i]! + r]! * shares[layout.offsets[j]! + c]!) / 2
  }
  const random = counterRandom(seed, 0)
  const pairCounts = truth.map((share) => units * share)
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const [rows, columns] = [layout.sizes[pairs.left[pair]!]!, layout.sizes[pairs.right[pair]!]!]
    const at = pairs.offsets[pair]!
    doubleCentre(pairCounts.subarray(at, at + rows * columns), rows, columns)
  }
  pairCounts.forEach((count, i) => {
    pairCounts[i] = count + sigma * random.normal(i, 2)
  })
  return { truth, release: { pairs, units, margins, pairCounts, sigma: new Float64Array(3).fill(sigma) } }
}

describe('denoise', () => {
  const unmeasured = new Float64Array(3).fill(Number.POSITIVE_INFINITY)

  it('gives the table back when there is no noise', () => {
    const { release, truth } = releaseOf(1000, 1e-6, 1)
    expect(distance(denoise(release).pairs, truth)).toBeLessThan(1e-7)
  })

  it('is nearer to the truth than noisy counts, and than independent columns', () => {
    let [clean, raw, independent] = [0, 0, 0]
    for (let seed = 0; seed < 12; seed++) {
      const { release, truth } = releaseOf(1000, 8, seed)
      const random = counterRandom(seed, 1)
      clean += distance(denoise(release).pairs, truth) ** 2
      raw +=
        distance(
          truth.map((share, i) => share + (8 / 1000) * random.normal(i, 0)),
          truth,
        ) ** 2
      independent += distance(denoise({ ...release, sigma: unmeasured }).pairs, truth) ** 2
    }
    expect(clean).toBeLessThan(raw / 2)
    expect(clean).toBeLessThan(0.6 * independent)
  })

  it('doubts pairs without evidence, and leaves out what was not measured', () => {
    const { release } = releaseOf(1000, 2000, 1)
    const { trust, margins, pairs } = denoise({ ...release, sigma: unmeasured })
    expect([...trust]).toEqual([0.05, 0.05, 0.05])
    expect(pairs[0]).toBeCloseTo(margins[0]! * margins[4]!, 12)
    expect(pairs.every(Number.isFinite)).toBe(true)
  })

  it('shows in the residual what a fit missed, and nothing where it missed nothing', () => {
    const { release, truth } = releaseOf(1000, 1e-6, 1)
    const independent = denoise({ ...release, sigma: unmeasured }).pairs
    expect(distance(residualTarget(release, independent).pairs, truth)).toBeLessThan(1e-6)
    expect(distance(residualTarget(release, truth).pairs, truth)).toBeLessThan(1e-8)
  })
})
