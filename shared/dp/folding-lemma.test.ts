import { describe, expect, it } from 'vitest'
import { latticeShrink } from './slack.ts'

/**
 * The folding lemma (docs/privacy.md) by exhaustive enumeration of small cases, in integers of 400 binary places: nothing is drawn.
 * h sites, fold F = 8 fine steps to a wire step, noise of w wire steps; the law of the residues and of the folded sum T given the
 * fine sum S, for every centre that matters.
 */
const POINT = 400n
const ONE = 1n << POINT
const F = 8

/** part / whole - 1 as a double: subtracted before it is rounded, so that 10^-40 does not vanish beside 1. */
const excess = (part: bigint, whole: bigint): number => Number(((part - whole) << 300n) / whole) / 2 ** 300

/** e^(-x) for x = numerator / denominator of at most 1. */
const expMinus = (numerator: bigint, denominator: bigint): bigint => {
  let [term, sum] = [ONE, ONE]
  for (let k = 1n; term !== 0n; k++) sum += term = (-term * numerator) / (denominator * k)
  return sum
}

/** e^(-z^2 / 2 s^2) for z = 0, 1, .. until nothing is left, s^2 = numerator / denominator >= 1/2. */
const gaussian = (numerator: bigint, denominator: bigint): bigint[] => {
  const ratio = expMinus(denominator, 2n * numerator)
  const square = (ratio * ratio) >> POINT
  const weights: bigint[] = []
  let factor = ratio
  for (let weight = ONE; weight > 0n; factor = (factor * square) >> POINT) {
    weights.push(weight)
    weight = (weight * factor) >> POINT
  }
  return weights
}

/** The width of a share in tenths of a wire step, so that its square in fine steps is a ratio of integers. */
const shareOf = (tenths: number): bigint[] => gaussian(BigInt(F * tenths) ** 2n, 100n)

const residue = (value: number): number => ((((value + F / 2) % F) + F) % F) - F / 2
const folded = (value: number): number => Math.floor(value / F + 0.5)

/** Joint weights of (what `seen` makes of y) given that y_1 + .. + y_h = S, centres m. */
const lawGiven = (
  weights: readonly bigint[],
  m: readonly number[],
  S: number,
  seen: (y: readonly number[]) => string | number,
): Map<string | number, bigint> => {
  const law = new Map<string | number, bigint>()
  const reach = weights.length - 1
  const y: number[] = []
  const descend = (site: number, weight: bigint, left: number) => {
    if (site === m.length - 1) {
      const last = weights[Math.abs(left - m[site]!)]
      if (last === undefined) return
      y[site] = left
      const key = seen(y)
      law.set(key, (law.get(key) ?? 0n) + ((weight * last) >> POINT))
      return
    }
    for (let z = -reach; z <= reach; z++) {
      y[site] = m[site]! + z
      descend(site + 1, (weight * weights[Math.abs(z)]!) >> POINT, left - y[site]!)
    }
  }
  descend(0, ONE, S)
  return law
}

/** Sum over v in the dual of A_(h-1), v not 0, of e^(-2 pi^2 w^2 |v|^2), for h = 2 and 3 by its vectors. */
const bound = (h: 2 | 3, w: number): number => {
  const b = 2 * Math.PI ** 2 * w ** 2
  if (h === 2) return 2 * [1, 2, 3].reduce((sum, j) => sum + Math.exp((-b * j * j) / 2), 0)
  let sum = 0
  for (let i = -9; i <= 9; i++)
    for (let j = -9; j <= 9; j++) if (i !== 0 || j !== 0) sum += Math.exp((-b * 2 * (i * i + i * j + j * j)) / 3)
  return sum
}

/** Largest |P F^(h-1) - 1| over residues, for these centres and this sum. */
const unevenness = (weights: readonly bigint[], m: readonly number[], S: number): number => {
  const law = lawGiven(weights, m, S, (y) => y.map(residue).join())
  let total = 0n
  for (const weight of law.values()) total += weight
  const cells = BigInt(F) ** BigInt(m.length - 1)
  expect(law.size).toBe(Number(cells))
  return Math.max(...[...law.values()].map((weight) => Math.abs(excess(weight * cells, total))))
}

const centres = [
  [0, 0],
  [4, 0],
  [3, -2],
  [1000, -993],
] as const

describe('R13 folding lemma', () => {
  it.each([20, 25, 30])(
    'h = 2, w = %i / 10: residues are uniform given the sum, within the bound and close to it',
    (tenths) => {
      const weights = shareOf(tenths)
      const E = bound(2, tenths / 10)
      let worst = 0
      for (const m of centres)
        for (const S of [0, 5, -8]) worst = Math.max(worst, unevenness(weights, m, S + m[0] + m[1]))
      expect(worst).toBeLessThan((2 * E) / (1 - E))
      // The bound is no idle one: some centre comes within a factor of four.
      expect(worst).toBeGreaterThan(E / 4)
    },
  )

  it('h = 3, w = 1: likewise, with the hexagonal lattice', () => {
    const weights = shareOf(10)
    const E = bound(3, 1)
    const worst = Math.max(
      ...[
        [0, 0, 0],
        [4, 1, -3],
      ].map((m) => unevenness(weights, m, m[0]! + m[1]! + m[2]! + 3)),
    )
    expect(E).toBeLessThan(1.2e-5)
    expect(worst).toBeLessThan((2 * E) / (1 - E))
    expect(worst).toBeGreaterThan(E / 4)
  })

  /** The fixed random map of the lemma: r uniform on the coset of S, T = (S - sum r) / F. */
  const kernel = (h: number, S: number): Map<number, bigint> => {
    const law = new Map<number, bigint>()
    const descend = (site: number, sum: number) => {
      if (site < h) for (let r = -F / 2; r < F / 2; r++) descend(site + 1, sum + r)
      else if ((S - sum) % F === 0) law.set((S - sum) / F, (law.get((S - sum) / F) ?? 0n) + 1n)
    }
    descend(0, 0)
    return law
  }

  /** Largest distance of the law of T given S from the kernel's, over all centres of two sites. */
  const kernelDistance = (tenths: number): number => {
    const weights = shareOf(tenths)
    let worst = 0
    for (const S of [0, 3]) {
      const expected = kernel(2, S)
      for (let m = 0; m < F; m++) {
        const law = lawGiven(weights, [m, -m], S, ([a, b]) => folded(a!) + folded(b!))
        let total = 0n
        for (const weight of law.values()) total += weight
        for (const key of new Set([...law.keys(), ...expected.keys()])) {
          const share = ((law.get(key) ?? 0n) << 300n) / total
          const ideal = ((expected.get(key as number) ?? 0n) << 300n) / BigInt(F)
          worst = Math.max(worst, Math.abs(Number(share - ideal)) / 2 ** 300)
        }
      }
    }
    return worst
  }

  it('the folded sum given the fine sum knows nothing of the centres at 2 wire steps, and does at 0.3', () => {
    expect(kernelDistance(20)).toBeLessThan(bound(2, 2))
    // Planted: noise narrower than a wire step. The same numbers tell the centres apart.
    expect(kernelDistance(3)).toBeGreaterThan(0.1)
  })

  /** Largest excess of one hockey-stick curve over another: > 0 where the folded sum tells more than the fine one. */
  const told = (tenths: number): number => {
    const weights = shareOf(tenths)
    const reach = weights.length - 1
    const laws = (m: readonly number[]) => {
      const [fine, wire] = [new Map<number, number>(), new Map<number, number>()]
      const scale = weights.map((weight) => Number(weight >> (POINT - 60n)) / 2 ** 60)
      const norm = scale.reduce((sum, weight, z) => sum + (z === 0 ? weight : 2 * weight), 0) ** 2
      for (let a = -reach; a <= reach; a++)
        for (let b = -reach; b <= reach; b++) {
          const p = (scale[Math.abs(a)]! * scale[Math.abs(b)]!) / norm
          const [S, T] = [m[0]! + a + m[1]! + b, folded(m[0]! + a) + folded(m[1]! + b)]
          fine.set(S, (fine.get(S) ?? 0) + p)
          wire.set(T, (wire.get(T) ?? 0) + p)
        }
      return { fine, wire }
    }
    const delta = (P: Map<number, number>, Q: Map<number, number>, epsilon: number) => {
      let sum = 0
      for (const [key, p] of P) sum += Math.max(0, p - Math.exp(epsilon) * (Q.get(key) ?? 0))
      return sum
    }
    let most = -1
    for (const other of [0, 1, 2, 3]) {
      const [one, two] = [laws([3, other]), laws([4, other])]
      for (const epsilon of [0, 0.01, 0.03, 0.1, 0.3, 1])
        for (const [p, q] of [
          [one, two],
          [two, one],
        ] as const)
          most = Math.max(most, delta(p.wire, q.wire, epsilon) - delta(p.fine, q.fine, epsilon))
    }
    return most
  }

  it('at every epsilon and in both directions, delta of what is opened is at most that of the fine sum; not at 0.3 wire steps', () => {
    expect(told(20)).toBeLessThan(1e-12)
    expect(told(3)).toBeGreaterThan(0.01)
  })

  it('the number: for 2 to 64 sites at 64 wire steps the bound is below 2^-50000', () => {
    const b = 2 * Math.PI ** 2 * 64 ** 2
    for (let h = 2; h <= 64; h++) {
      // E <= e^(-(b - pi) |v|^2) times the theta series at pi, which Poisson summation and A in Z^h bound.
      const theta = 0.5 * Math.log(h) + h * Math.log(1.0865)
      const log2 = (-((b - Math.PI) * (h - 1)) / h + theta) / Math.LN2
      expect(log2).toBeLessThan(-50_000)
    }
    let integers = 1
    for (let k = 1; k < 6; k++) integers += 2 * Math.exp(-Math.PI * k * k)
    expect(integers).toBeLessThan(1.0865)
  })
})

describe('R13 lattice lemma', () => {
  /** Largest relative distance between the discrete Gaussian of `variance` and a continuous one rounded with deviation r. */
  const distance = (variance: number, r: number): number => {
    const reach = Math.ceil(6 * Math.sqrt(variance))
    let total = 0
    for (let z = -2 * reach; z <= 2 * reach; z++) total += Math.exp((-z * z) / (2 * variance))
    const narrow = variance - r * r
    const step = 1 / 64
    let worst = 0
    for (let z = 0; z <= reach; z++) {
      let p = 0
      for (let y = z - 12 * r; y <= z + 12 * r; y += step) {
        let norm = 0
        for (let k = Math.floor(y - 12 * r); k <= y + 12 * r; k++) norm += Math.exp(-((k - y) ** 2) / (2 * r * r))
        p += (step * Math.exp((-y * y) / (2 * narrow) - (z - y) ** 2 / (2 * r * r))) / norm
      }
      const ideal = Math.exp((-z * z) / (2 * variance)) / total
      worst = Math.max(worst, Math.abs(p / Math.sqrt(2 * Math.PI * narrow) / ideal - 1))
    }
    return worst
  }

  it('a continuous Gaussian of variance v - 4 becomes the discrete one of variance v; rounded with 1/3 instead of 2 it does not', () => {
    expect(distance(20, 2)).toBeLessThan(1e-11)
    expect(distance(20, 1 / 3)).toBeGreaterThan(1e-3)
  })

  it('is what the accountant is given: variance 4 less', () => {
    for (const [steps, shares] of [
      [64, 1],
      [64, 4],
      [2 ** 17, 3],
    ] as const) {
      const left = (steps * latticeShrink(steps, shares)) ** 2 * shares
      expect(left / (shares * steps ** 2 - 4)).toBeCloseTo(1, 12)
    }
    expect(1 - latticeShrink(2 ** 17, 1)).toBeLessThan(2 ** -32)
    expect(1 - latticeShrink(2 ** 17, 1)).toBeGreaterThan(0)
  })
})
