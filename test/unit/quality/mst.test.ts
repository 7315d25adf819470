import { gaussianEpsilon } from '@tributary/shared/dp/gaussian'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { delta, noiseMultiplier } from '@tributary/shared/units'
import { expect, it } from 'vitest'
import { marginalOf, totalVariation } from '@tributary/shared/evaluation/marginal'
import { fitTree } from '../../quality/mst/fit-tree.ts'
import { compressedCounts, keptLevels, projectedShares } from '../../quality/mst/kept-levels.ts'
import { countsOf, mst, seededNoise } from '../../quality/mst/mst.ts'
import { type Edge, privateSpanningTree } from '../../quality/mst/spanning-tree.ts'
import { marginalsOf, rooted } from '../../quality/mst/tree-model.ts'
import { mstBudget, rhoOf } from '../../quality/mst/zcdp.ts'

const layout = layoutOf([2, 3, 4, 2])

/** A chain 0 - 1 - 2 with 3 hanging on 1: its best tree is known. */
const chain = (rows: number, seed: number): Uint16Array => {
  const random = counterRandom(seed, 9)
  const cells = new Uint16Array(rows * 4)
  for (let r = 0; r < rows; r++) {
    const a = random.uniform(r, 0) < 0.4 ? 0 : 1
    const b = random.uniform(r, 1) < 0.8 ? a : 2
    const c = random.uniform(r, 2) < 0.7 ? b : 3
    cells.set([a, b, c, random.uniform(r, 3) < 0.9 ? Number(b === 2) : 0], r * 4)
  }
  return cells
}

it('belief propagation gives the marginals that adding up the whole table gives', () => {
  const tree = rooted(4, [
    [1, 2],
    [0, 1],
    [1, 3],
  ])
  const random = counterRandom(3, 9)
  const numbers = (length: number, row: number) => Float64Array.from({ length }, (_, i) => random.normal(row, i))
  const potentials = {
    own: layout.sizes.map((size, j) => numbers(size, j)),
    withParent: layout.sizes.map((size, j) =>
      tree.parent[j]! < 0 ? new Float64Array(0) : numbers(size * layout.sizes[tree.parent[j]!]!, 10 + j),
    ),
  }
  const pair = new Float64Array(12)
  let total = 0
  for (let code = 0; code < 48; code++) {
    const row = [Math.floor(code / 24), Math.floor(code / 8) % 3, Math.floor(code / 2) % 4, code % 2]
    let log = 0
    row.forEach((value, j) => {
      log += potentials.own[j]![value]!
      const above = tree.parent[j]!
      if (above >= 0) log += potentials.withParent[j]![row[above]! * layout.sizes[j]! + value]!
    })
    pair[row[1]! * 4 + row[2]!] = pair[row[1]! * 4 + row[2]!]! + Math.exp(log)
    total += Math.exp(log)
  }
  const { withParent } = marginalsOf(tree, potentials)
  expect(tree.parent[2]).toBe(1)
  withParent[2]!.forEach((share, i) => expect(share).toBeCloseTo(pair[i]! / total, 12))
})

it('without noise the tree is the strongest one and its marginals are the table', () => {
  const cells = chain(4000, 1)
  const drawn = { cells: mst(layout, { cells }, { epsilon: Number.POSITIVE_INFINITY, delta: 1e-5, seed: 1 })(40_000) }
  for (const pair of [
    [0, 1],
    [1, 2],
    [1, 3],
  ])
    expect(totalVariation(marginalOf(layout, pair, drawn), marginalOf(layout, pair, { cells }))).toBeLessThan(0.012)
  // Columns that the tree does not join follow through the one between them alone.
  expect(totalVariation(marginalOf(layout, [0, 2], drawn), marginalOf(layout, [0, 2], { cells }))).toBeLessThan(0.02)
})

it('the fit reproduces consistent measurements exactly, and what they leave open has the most entropy', () => {
  const tree = rooted(2, [[0, 1]])
  const counts = Float64Array.of(30, 10, 5, 55)
  const precision = new Float64Array(4).fill(1)
  const { own, withParent } = fitTree(tree, [2, 2], { own: [null, null], withParent: [null, { counts, precision }] })
  withParent[1]!.forEach((share, i) => expect(share).toBeCloseTo(counts[i]! / 100, 4))
  expect(own[0]![0]).toBeCloseTo(0.4, 4)
  const singles = [Float64Array.of(40, 60), Float64Array.of(35, 65)].map((each) => ({
    counts: each,
    precision: Float64Array.of(1, 1),
  }))
  const free = fitTree(tree, [2, 2], { own: singles, withParent: [null, null] })
  expect(free.withParent[1]![0]).toBeCloseTo(0.4 * 0.35, 4)
})

it('the parts of the budget add up to it, and it is no more than the epsilon promised', () => {
  for (const epsilon of [0.5, 1, 3]) {
    const rho = rhoOf(epsilon, 1e-5)
    for (const columns of [2, 18]) {
      const { oneWayNoise, pickEpsilon, twoWayNoise } = mstBudget(rho, columns)
      const spent =
        columns / (2 * oneWayNoise ** 2) +
        ((columns - 1) * pickEpsilon ** 2) / 8 +
        (columns - 1) / (2 * twoWayNoise ** 2)
      expect(spent).toBeCloseTo(rho, 10)
    }
    // One Gaussian release of that rho, priced exactly: never above epsilon, and not far below it.
    const exact = gaussianEpsilon(noiseMultiplier(1 / Math.sqrt(2 * rho)), delta(1e-5))
    expect(exact).toBeLessThanOrEqual(epsilon)
    expect(exact).toBeGreaterThan(0.85 * epsilon)
  }
})

it('one unit more moves the 1-way counts by at most sqrt(columns), whatever rows it has; noise has its size', () => {
  const cells = chain(50, 2)
  const more = new Uint16Array(cells.length + 12)
  more.set(cells)
  more.set([0, 1, 2, 0, 1, 1, 3, 1, 0, 1, 2, 0], cells.length)
  const before = { cells, weights: new Float64Array(50).fill(1) }
  const after = { cells: more, weights: Float64Array.from({ length: 53 }, (_, r) => (r < 50 ? 1 : 1 / 3)) }
  const moved = layout.sizes.reduce((sum, _, j) => {
    const [one, other] = [countsOf(layout, [j], before), countsOf(layout, [j], after)]
    return sum + one.reduce((square, count, i) => square + (count - other[i]!) ** 2, 0)
  }, 0)
  expect(Math.sqrt(moved)).toBeLessThanOrEqual(2)
  const noise = seededNoise(7).noisy(new Float64Array(10_000), 3)
  const deviation = Math.sqrt(noise.reduce((sum, value) => sum + value ** 2, 0) / 10_000)
  expect(Math.abs(deviation - 3)).toBeLessThan(4 * (3 / Math.sqrt(20_000)))
})

it('an edge is picked by the exponential mechanism', () => {
  const scores: Record<string, number> = { '0,1': 3, '0,2': 1, '1,2': 0 }
  const random = counterRandom(5, 9)
  const runs = 20_000
  const first: Record<string, number> = { '0,1': 0, '0,2': 0, '1,2': 0 }
  for (let run = 0; run < runs; run++) {
    let draw = 0
    const score = (edge: Edge) => scores[edge.join()]!
    const [edge] = privateSpanningTree(3, score, 1, () => random.uniform(run, draw++))
    first[edge!.join()] = first[edge!.join()]! + 1
  }
  const total = Object.values(scores).reduce((sum, score) => sum + Math.exp(score / 2), 0)
  for (const [edge, score] of Object.entries(scores)) {
    const expected = Math.exp(score / 2) / total
    expect(Math.abs(first[edge]! / runs - expected)).toBeLessThan(4 * Math.sqrt((expected * (1 - expected)) / runs))
  }
})

it('levels below 3 sigma share one code of as much more variance, and come out evenly', () => {
  const counts = Float64Array.of(100, 2, 50, -1, 1)
  const kept = keptLevels(counts, 4)
  expect([...kept.codeOf]).toEqual([0, 2, 1, 2, 2])
  const compressed = compressedCounts(kept, counts, 4)
  expect([...compressed.counts]).toEqual([100, 50, 2])
  expect([...compressed.precision]).toEqual([1 / 16, 1 / 16, 1 / 48])
  const shares = projectedShares(Float64Array.of(8, 4, -6), 10)
  expect([...shares]).toEqual([0.7, 0.3, 0])
})
