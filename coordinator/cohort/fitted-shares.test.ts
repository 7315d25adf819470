import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { fittedShares, largestRemainders, type Margin, quotasOf } from './fitted-shares.ts'

/** Atoms are all combinations of `ways` ways for each margin. */
const crossed = (ways: readonly number[], shares: readonly (readonly number[])[]): Margin[] => {
  const atoms = ways.reduce((a, b) => a * b, 1)
  let stride = atoms
  return ways.map((size, m) => {
    stride /= size
    const step = stride
    return { group: Array.from({ length: atoms }, (_, i) => Math.floor(i / step) % size), shares: shares[m]! }
  })
}
const sums = (values: readonly number[], { group, shares }: Margin) =>
  shares.map((_, g) => values.reduce((sum, value, i) => sum + (group[i] === g ? value : 0), 0))
const normal = (values: readonly number[]) => {
  const whole = values.reduce((a, b) => a + b, 0)
  return values.map((value) => value / whole)
}
const part = fc.integer({ min: 1, max: 40 })
const problems = fc.array(fc.integer({ min: 2, max: 4 }), { minLength: 1, maxLength: 3 }).chain((ways) =>
  fc.record({
    ways: fc.constant(ways),
    shares: fc.tuple(...ways.map((size) => fc.array(part, { minLength: size, maxLength: size }).map(normal))),
    masses: fc.array(fc.integer({ min: 1, max: 1000 }), {
      minLength: ways.reduce((a, b) => a * b, 1),
      maxLength: ways.reduce((a, b) => a * b, 1),
    }),
    rows: fc.integer({ min: 1, max: 5000 }),
  }),
)

describe('shares of strata', () => {
  test.prop([problems], { numRuns: 150 })('hold every share, and the counts hold it to the row', (problem) => {
    const margins = crossed(problem.ways, problem.shares)
    const fit = fittedShares(problem.masses, margins)
    if (!('shares' in fit)) throw new Error('these shares can hold')
    for (const margin of margins)
      sums(fit.shares, margin).forEach((sum, g) => expect(sum).toBeCloseTo(margin.shares[g]!, 8))
    const quotas = quotasOf(fit.shares, problem.rows, margins)
    if (quotas === null) throw new Error('these counts can hold')
    expect(quotas.reduce((a, b) => a + b, 0)).toBe(problem.rows)
    expect(quotas.every((quota) => quota >= 0)).toBe(true)
    for (const margin of margins)
      sums(quotas, margin).forEach((count, g) => {
        expect(Math.abs(count - margin.shares[g]! * problem.rows)).toBeLessThan(1 + 1e-6)
      })
  })

  test.prop([problems], { numRuns: 60 })('leave the odds ratios of the population as they are', (problem) => {
    const margins = crossed(problem.ways, problem.shares)
    const fit = fittedShares(problem.masses, margins)
    if (!('shares' in fit) || problem.ways.length < 2) return
    // Of least relative entropy: the factor of an atom is a product of one for each of its groups.
    const factor = fit.shares.map((share, i) => Math.log(share / problem.masses[i]!))
    const at = (wanted: readonly number[]) =>
      factor[fit.shares.findIndex((_, i) => margins.every(({ group }, m) => group[i] === wanted[m]))]!
    const rest = problem.ways.slice(2).map(() => 0)
    expect(at([0, 0, ...rest]) + at([1, 1, ...rest]) - at([0, 1, ...rest]) - at([1, 0, ...rest])).toBeCloseTo(0, 6)
  })

  it('say which of them cannot hold beside the others', () => {
    const margins = [
      { group: [0, 0, 1], shares: [0.7, 0.3] },
      { group: [0, 1, 1], shares: [0.8, 0.2] },
    ]
    expect(fittedShares([1, 1, 1], margins)).toMatchObject({ worst: expect.any(Number) })
    expect(fittedShares([1, 1, 0], [{ group: [0, 0, 1], shares: [0.5, 0.5] }])).toEqual({ worst: 0 })
    expect(fittedShares([1, 3, 4], [])).toEqual({ shares: [0.125, 0.375, 0.5] })
  })

  it('give no row to what has no share', () => {
    expect(quotasOf([0, 1], 3, [])).toEqual([0, 3])
    expect(largestRemainders([0.5, 0, 0.5], 3)).toEqual([2, 0, 1])
  })
})
