import { threshold } from '@tributary/shared/he/thresholds'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/*
 * Lemma 1 of docs/secure-aggregation.md, counted: everything that a coordinator can compute of the keys when every honest holder
 * answers once, for a set of its own. The lemma does not depend on the field, so a small one serves.
 */
const prime = 101
const times = (a: number, b: number) => (a * b) % prime
const power = (a: number, exponent: number): number => (exponent === 0 ? 1 : times(a, power(a, exponent - 1)))

/** A basis of all x with rows x = 0. */
const nullspace = (rows: readonly (readonly number[])[], width: number): number[][] => {
  const left = rows.map((row) => [...row])
  const pivots: number[] = []
  for (let column = 0; column < width; column++) {
    const at = left.findIndex((row, i) => i >= pivots.length && row[column] !== 0)
    if (at < 0) continue
    const [pivot] = left.splice(at, 1) as [number[]]
    const inverse = power(pivot[column]!, prime - 2)
    const scaled = pivot.map((value) => times(value, inverse))
    for (const row of left) {
      const factor = row[column]!
      if (factor !== 0) for (let i = 0; i < width; i++) row[i] = (row[i]! + (prime - factor) * scaled[i]!) % prime
    }
    left.splice(pivots.length, 0, scaled)
    pivots.push(column)
  }
  const free = Array.from({ length: width }, (_, i) => i).filter((i) => !pivots.includes(i))
  return free.map((one) => {
    const x: number[] = Array.from({ length: width }, (_, i) => (i === one ? 1 : 0))
    for (const [row, pivot] of pivots.entries()) x[pivot] = (prime - left[row]![one]!) % prime
    return x
  })
}

interface Rule {
  readonly n: number
  readonly c: number
  readonly least: number
  /** Colluding sites, all of them share holders. */
  readonly k: number
}

/**
 * What the keys' weights can be, a basis: w[v] for honest dealer v. `told[j]` are the honest members, as bits, of the set that honest
 * holder j is told; k of the n sites, the last, collude. Polynomials that vanish at the colluders are Z(x) g(x), g of degree below
 * tau = t - k, so with L'_j = L_j Z(x_j) a combination is of keys alone where sum over j told of v of L'_j x_j^i = 0 for 0 < i < tau.
 */
const learned = ({ n, c, k }: Rule, told: readonly number[]): number[][] => {
  const honest = n - k
  const tau = threshold(n, c) - k
  const classes = Array.from({ length: honest }, (_, v) => told.map((set) => (set >> v) & 1))
  const rows = [...new Map(classes.map((held) => [held.join(''), held])).values()].flatMap((held) =>
    Array.from({ length: tau - 1 }, (_, i) => held.map((is, j) => (is === 0 ? 0 : power(j + 1, i + 1)))),
  )
  return nullspace(rows, honest).map((weights) =>
    classes.map((held) => held.reduce((sum, is, j) => (sum + is * weights[j]!) % prime, 0)),
  )
}

const bitsOf = (set: number) => set.toString(2).replaceAll('0', '').length

/** Honest parts that a set of at least `least` sites can have. */
const partsOf = ({ n, least, k }: Rule): number[] =>
  Array.from({ length: 2 ** (n - k) }, (_, set) => set).filter((set) => bitsOf(set) >= least - k)

/** Nothing, or multiples of the sum over one announced set. */
const isOneSum = (found: readonly (readonly number[])[], told: readonly number[]): boolean => {
  const sums = found.filter((weights) => weights.some((weight) => weight !== 0))
  const sets = sums.map((weights) => weights.reduce((set, weight, v) => set + (weight === 0 ? 0 : 2 ** v), 0))
  const isEqual = sums.every((weights) => new Set(weights.filter((weight) => weight !== 0)).size === 1)
  return isEqual && new Set(sets).size <= 1 && sets.every((set) => told.includes(set))
}

const holds = ({ n, c, least }: Rule) => 4 * (n - least) <= n - c
const named = (rule: Rule) => [`n ${rule.n}, c ${rule.c}, least ${rule.least}, ${rule.k} collude`, rule] as const

describe('R7 one set, whatever each holder is told', () => {
  it.each(
    [
      { n: 4, c: 0, least: 3, k: 0 },
      { n: 4, c: 0, least: 3, k: 1 },
      { n: 5, c: 0, least: 4, k: 0 },
      { n: 5, c: 1, least: 4, k: 0 },
      { n: 5, c: 1, least: 4, k: 1 },
      { n: 5, c: 1, least: 4, k: 2 },
      { n: 6, c: 0, least: 5, k: 1 },
      { n: 6, c: 1, least: 5, k: 1 },
      { n: 7, c: 2, least: 6, k: 2 },
    ].map(named),
  )('%s: every way to tell them, one after the other', (_, rule) => {
    expect(holds(rule)).toBe(true)
    const parts = partsOf(rule)
    const holders = rule.n - rule.k
    let opened = 0
    for (let way = 0; way < parts.length ** holders; way++) {
      const told = Array.from({ length: holders }, (_, j) => parts[Math.floor(way / parts.length ** j) % parts.length]!)
      const found = learned(rule, told)
      if (!isOneSum(found, told)) expect.fail(`told ${told.join()}: ${JSON.stringify(found)}`)
      if (found.some((weights) => weights.some((weight) => weight !== 0))) opened++
    }
    expect(opened).toBeGreaterThanOrEqual(parts.length)
  })

  it.each(
    [
      { n: 8, c: 0, least: 6, k: 0 },
      { n: 8, c: 0, least: 6, k: 1 },
      { n: 9, c: 1, least: 7, k: 1 },
      { n: 10, c: 2, least: 8, k: 2 },
      { n: 12, c: 0, least: 9, k: 0 },
    ].map(named),
  )('%s: a few sets told at random', (_, rule) => {
    expect(holds(rule)).toBe(true)
    const parts = partsOf(rule)
    const told = fc
      .array(fc.constantFrom(...parts), { minLength: 1, maxLength: 3 })
      .chain((sets) => fc.array(fc.constantFrom(...sets), { minLength: rule.n - rule.k, maxLength: rule.n - rule.k }))
    fc.assert(
      fc.property(told, (each) => isOneSum(learned(rule, each), each)),
      { numRuns: 500 },
    )
  })

  it('and is broken without the rule: 5 S_A + S_B with nobody colluding at n = 6, least = 3', () => {
    const rule = { n: 6, c: 0, least: 3, k: 0 }
    expect(holds(rule)).toBe(false)
    const [a, b] = [0b100101, 0b011010]
    const found = learned(rule, [a, b, a | b, a | b, b, a])
    expect(isOneSum(found, [a, b, a | b])).toBe(false)
    const [weights] = found
    expect(found.length).toBe(1)
    const ratio = times(weights![0]!, power(weights![1]!, prime - 2))
    expect(weights!.map((weight, v) => times(weight, (a >> v) & 1 ? 1 : ratio))).toEqual(Array(6).fill(weights![0]))
    expect(ratio).toBe(5)
  })

  it('and by one colluder more than it allows for: two sets of which each opens', () => {
    const rule = { n: 6, c: 1, least: 5, k: 2 }
    const [a, b] = [0b1111, 0b0111]
    expect(isOneSum(learned(rule, [a, a, b, b]), [a, b])).toBe(false)
  })
})
