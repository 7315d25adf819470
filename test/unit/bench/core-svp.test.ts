import { describe, expect, it } from 'vitest'
import {
  binomialDeviation,
  deviationGivenSum,
  dualAttack,
  type LatticeProblem,
  pickedBySum,
  primalAttack,
} from '../../bench/core-svp.ts'
import { latticeCommand } from '../../bench/lattice-command.ts'
import { latticeRow, productCases, publishedCases } from '../../bench/lattice-table.ts'
import { toolRun } from '../../harness/tool-run.ts'

const run = toolRun('lattice', latticeCommand)
const ours: LatticeProblem = { dimension: 4096, modulus: 2 ** 58, deviation: binomialDeviation(21), samples: 65_536 }
const bits = (problem: LatticeProblem) => primalAttack(problem, 'classical').bits

describe('core-SVP estimates', () => {
  it.each(publishedCases.map((each) => [each.name, each] as const))('meet what is published for %s', (_, each) => {
    const { costs, published } = latticeRow(each)
    const [primal, dual] = costs.classical
    expect(published).not.toBeNull()
    const { primal: theirs, dual: theirDual } = published!
    expect(Math.abs(primal.bits - theirs.bits)).toBeLessThanOrEqual(1.1)
    if (theirs.blockSize !== undefined) expect(Math.abs(primal.blockSize - theirs.blockSize)).toBeLessThanOrEqual(2)
    if (theirDual !== undefined) expect(Math.abs(dual.bits - theirDual.bits)).toBeLessThanOrEqual(1.5)
  })

  it('are those of the lattice estimator to the block for Kyber512 and Kyber768', () => {
    const [small, middle] = publishedCases.map(({ problem }) => primalAttack(problem, 'classical'))
    expect([small!.blockSize, middle!.blockSize]).toEqual([406, 624])
    // It then looks for the smallest lattice in which that block is still enough; here it is the one with most room.
    expect([small!.lattice - 998, middle!.lattice - 1427].every((more) => more >= 0 && more < 60)).toBe(true)
  })

  it('say more for a longer secret and a wider error, less for a larger modulus', () => {
    expect(bits({ ...ours, dimension: 8192 })).toBeGreaterThan(1.9 * bits(ours))
    expect(bits({ ...ours, deviation: 6 })).toBeGreaterThan(bits(ours))
    expect(bits({ ...ours, modulus: 2 ** 59 })).toBeLessThan(bits(ours))
    expect(bits({ ...ours, samples: 500 })).toBeGreaterThan(bits(ours))
    expect(dualAttack(ours, 'quantum').bits).toBeLessThan(dualAttack(ours, 'classical').bits)
  })

  it('R11 the ring keeps 200 bits classical and quantum with the sum of two honest errors given away', () => {
    for (const each of productCases.map(latticeRow)) {
      expect(each.problem).toMatchObject({ dimension: 4096, modulus: 288230376151130113 })
      expect(Math.min(each.least.classical, each.least.quantum), each.name).toBeGreaterThan(200)
    }
    const least = productCases.map((each) => latticeRow(each).least.classical)
    expect(least).toEqual(least.toSorted((a, b) => b - a))
  })

  it("give one error what its sum leaves it: exactly, for SEAL's binomial, on average over the sums", () => {
    const choose = (n: number, k: number): number => {
      let out = 1
      for (let i = 1; i <= k; i++) out = (out * (n - k + i)) / i
      return out
    }
    const coins = 42
    for (const honest of [2, 3]) {
      let average = 0
      for (let sum = 0; sum <= coins * honest; sum++) {
        const chance = choose(coins * honest, sum) / 2 ** (coins * honest)
        let [first, second] = [0, 0]
        for (let one = Math.max(0, sum - coins * (honest - 1)); one <= Math.min(coins, sum); one++) {
          const p = (choose(coins, one) * choose(coins * (honest - 1), sum - one)) / choose(coins * honest, sum)
          first += p * one
          second += p * one * one
        }
        average += chance * (second - first * first)
      }
      expect(Math.sqrt(average)).toBeCloseTo(deviationGivenSum(binomialDeviation(21), honest), 9)
    }
  })
})

describe('samples picked by the sum of two errors', () => {
  it('are all of them, as wide as on average, where nothing is picked; fewer and narrower the larger the sum', () => {
    const all = pickedBySum(21, 503_808, 0)
    expect(all.samples).toBe(503_808)
    expect(all.deviation).toBeCloseTo(deviationGivenSum(binomialDeviation(21), 2), 9)
    const rows = [4, 8, 11, 12, 20].map((least) => pickedBySum(21, 503_808, least))
    for (const [i, { samples, deviation }] of rows.entries()) {
      const before = [all, ...rows][i]!
      expect(samples).toBeLessThan(before.samples)
      expect(deviation).toBeLessThan(before.deviation)
    }
    // All heads or none: nothing is left to guess.
    expect(pickedBySum(21, 1, 42).deviation).toBe(0)
  })

  it('R11 cost about half a bit; too few of them are worth nothing', () => {
    const [two, picked] = productCases.slice(-2).map(latticeRow)
    const less = two!.least.classical - picked!.least.classical
    expect(less).toBeGreaterThan(0.3)
    expect(less).toBeLessThan(1)
    const { samples, deviation } = pickedBySum(21, 503_808, 12)
    expect(bits({ ...two!.problem, samples: samples - 4096, deviation })).toBeGreaterThan(two!.least.classical + 20)
  })
})

describe('npm run lattice', () => {
  it('prints the product before what it is compared with', async () => {
    const { out, code } = await run()
    expect(code).toBe(0)
    expect(out.indexOf('sum of 2 honest opened')).toBeGreaterThan(0)
    expect(out.indexOf('For comparison')).toBeGreaterThan(out.indexOf('sum of 2 honest opened'))
    expect(out).toContain('primal b 406 (2^118.6), dual b 400')
  })

  it('--json prints one object with the same figures', async () => {
    const { out } = await run('--json')
    const { product, published } = JSON.parse(out) as { product: unknown[]; published: unknown[] }
    expect([product.length, published.length]).toEqual([productCases.length, publishedCases.length])
    expect(product).toEqual(productCases.map(latticeRow))
  })
})
