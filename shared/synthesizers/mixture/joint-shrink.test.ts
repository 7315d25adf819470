import { describe, expect, it } from 'vitest'
import { layoutOf } from '../cells.ts'
import { counterRandom } from '../counter-random.ts'
import { denoise } from './denoise.ts'
import { doubleCentre } from './double-centre.ts'
import { jointShrunk } from './joint-shrink.ts'
import { pairLayoutOf, pairShape } from './pair-layout.ts'
import type { PairRelease } from './pair-release.ts'
import { shrunk } from './shrink.ts'
import { eigenOf } from './symmetric-eigen.ts'

const columns = 12
const levels = 4
const units = 2000
const sigma = 20
const pairs = pairLayoutOf(layoutOf(Array.from({ length: columns }, () => levels)))

/** Every pair has the same cause, too faint to be seen in it alone: counts beyond even margins are strength x u u'. */
const planted = (strength: number): Float64Array => {
  const truth = new Float64Array(pairs.dimension)
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const { at } = pairShape(pairs, pair)
    for (let r = 0; r < levels; r++)
      for (let c = 0; c < levels; c++) truth[at + r * levels + c] = ((strength * (r - 1.5)) / 1.5) * ((c - 1.5) / 1.5)
  }
  return truth
}
const releaseOf = (strength: number, seed: number): PairRelease => {
  const random = counterRandom(seed, 1)
  const pairCounts = planted(strength).map((value, i) => value + sigma * random.normal(i, 0))
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const { rows, columns: width, at } = pairShape(pairs, pair)
    doubleCentre(pairCounts.subarray(at, at + rows * width), rows, width)
  }
  const margins = new Float64Array(pairs.layout.cells).fill(1 / levels)
  return { pairs, units, margins, pairCounts, sigma: new Float64Array(pairs.pairs).fill(sigma) }
}
const distance = (one: Float64Array, other: Float64Array) => Math.hypot(...one.map((value, i) => value - other[i]!))

describe('all pairs shrunk together', () => {
  it('find a cause that is too faint for any pair alone', () => {
    const release = releaseOf(18, 1)
    const truth = planted(18)
    const alone = new Float64Array(pairs.dimension)
    for (let pair = 0; pair < pairs.pairs; pair++) {
      const { rows, columns: width, at } = pairShape(pairs, pair)
      const found = shrunk(release.pairCounts.slice(at, at + rows * width), rows, width, sigma)
      if (found !== null) alone.set(found, at)
    }
    const joint = jointShrunk(release, release.pairCounts)
    expect(distance(joint, truth)).toBeLessThan(0.5 * distance(alone, truth))
    const target = denoise(release).pairs.map((share) => (share - 1 / levels ** 2) * units)
    expect(distance(target, truth)).toBeLessThan(0.7 * distance(alone, truth))
  })

  it('find nothing, or next to it, in noise', () => {
    const release = releaseOf(0, 2)
    expect(Math.hypot(...jointShrunk(release, release.pairCounts))).toBeLessThan(
      0.2 * Math.hypot(...release.pairCounts),
    )
  })

  it('say nothing of a pair that was not measured', () => {
    const release = releaseOf(30, 3)
    const some = {
      ...release,
      sigma: release.sigma.map((value, pair) => (pair % 5 === 0 ? Number.POSITIVE_INFINITY : value)),
    }
    const joint = jointShrunk(some, some.pairCounts)
    expect(joint.every(Number.isFinite)).toBe(true)
    expect(joint.subarray(0, levels * levels).every((value) => value === 0)).toBe(true)
    expect(joint.some((value) => value !== 0)).toBe(true)
  })
})

describe('eigenOf', () => {
  it('finds the largest eigenvalues, signs and all, and their vectors', () => {
    const width = 20
    const random = counterRandom(4, 1)
    const { vectors: basis } = eigenOf(
      new Float64Array(width * width),
      width,
      3,
      Float64Array.from({ length: 3 * width }, (_, i) => random.normal(i, 0)),
      0,
    )
    const wanted = [9, -7, 4]
    const matrix = new Float64Array(width * width)
    for (let a = 0; a < width; a++)
      for (let b = 0; b < width; b++)
        wanted.forEach((value, k) => {
          matrix[a * width + b]! += value * basis[k * width + a]! * basis[k * width + b]!
        })
    const { values, vectors } = eigenOf(matrix, width, 5, null, 6)
    const order = [...values.keys()].sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!))
    order.slice(0, 3).forEach((k, place) => {
      expect(values[k]).toBeCloseTo(wanted[place]!, 8)
      const dot = Array.from({ length: width }, (_, a) => vectors[k * width + a]! * basis[place * width + a]!)
      expect(Math.abs(dot.reduce((x, y) => x + y, 0))).toBeCloseTo(1, 8)
    })
    order.slice(3).forEach((k) => expect(values[k]).toBeCloseTo(0, 8))
  })
})
