import { largestError } from '@tributary/shared/he/thresholds'
import { secureRing } from '@tributary/shared/he/ring-parameters'
import {
  type AttackCost,
  binomialDeviation,
  deviationGivenSum,
  dualAttack,
  type LatticeProblem,
  type Model,
  pickedBySum,
  primalAttack,
} from './core-svp.ts'

/** One set of parameters, and the figures that others published for it, where there are any. */
export interface LatticeCase {
  readonly name: string
  readonly problem: LatticeProblem
  readonly published?: Published
}

interface Published {
  /** Block size and log2 of operations, classical. */
  readonly primal: { readonly blockSize?: number; readonly bits: number }
  readonly dual?: { readonly blockSize: number; readonly bits: number }
  readonly source: string
}

export interface LatticeRow {
  readonly name: string
  readonly problem: LatticeProblem
  readonly published: Published | null
  readonly costs: Readonly<Record<Model, readonly [primal: AttackCost, dual: AttackCost]>>
  /** The cheaper attack, log2 of operations. */
  readonly least: Readonly<Record<Model, number>>
}

const kyber = (dimension: number, coins: number): LatticeProblem => ({
  dimension,
  modulus: 3329,
  deviation: binomialDeviation(coins),
  samples: dimension,
})
const newHope = (dimension: number, coins: number): LatticeProblem => ({
  dimension,
  modulus: 12289,
  deviation: binomialDeviation(coins),
  samples: 2 * dimension,
})

const estimator = 'malb/lattice-estimator, LWE.estimate.rough'
const hopeSource = 'Alkim et al. 2016, table 1 (as remembered, not re-read)'

export const publishedCases: readonly LatticeCase[] = [
  {
    name: 'Kyber512',
    problem: kyber(512, 3),
    published: { primal: { blockSize: 406, bits: 118.6 }, source: `${estimator}, readme` },
  },
  {
    name: 'Kyber768',
    problem: kyber(768, 2),
    published: { primal: { blockSize: 624, bits: 182.2 }, source: `${estimator}, slides of Albrecht (FHE.org 2024)` },
  },
  {
    name: 'Kyber1024',
    problem: kyber(1024, 2),
    published: { primal: { bits: 256 }, source: 'Kyber round 3, table 4 (as remembered, not re-read)' },
  },
  {
    name: 'NewHope (1024)',
    problem: newHope(1024, 16),
    published: { primal: { blockSize: 967, bits: 282 }, dual: { blockSize: 962, bits: 281 }, source: hopeSource },
  },
  {
    name: 'JarJar (512)',
    problem: newHope(512, 24),
    published: { primal: { blockSize: 449, bits: 131 }, dual: { blockSize: 448, bits: 131 }, source: hopeSource },
  },
]

/**
 * The ring of the product; the attacker has every block of a vector as samples, so no limit that binds. `honest`: contributors
 * that do not collude, the sum of whose errors it learns as it opens their sum; undefined where it opens nothing.
 */
const ours = (honest?: number): LatticeCase => {
  const deviation = binomialDeviation(largestError)
  return {
    name: honest === undefined ? 'sealed vector, nothing opened' : `sum of ${honest} honest opened`,
    problem: {
      dimension: secureRing.degree,
      modulus: Number(secureRing.modulus),
      deviation: honest === undefined ? deviation : deviationGivenSum(deviation, honest),
      samples: 16 * secureRing.degree,
    },
  }
}

/** Blocks of a vector of a million values, two a coefficient, all under one key. */
const largeVector = 123

/**
 * Of that vector and the sum of two honest errors only the samples where that sum is large, as far from the middle as leaves
 * enough of them: `dimension` are spent on the uniform secret, about as many on the attack.
 */
const picked = (): LatticeCase => {
  const all = largeVector * secureRing.degree
  const cases = Array.from({ length: 2 * largestError + 1 }, (_, least) => {
    const { samples, deviation } = pickedBySum(largestError, all, least)
    const problem = { ...ours(2).problem, samples: samples - secureRing.degree, deviation }
    return { name: `sum of 2 honest opened, the ${samples} of ${all} samples where it is ${least} or more`, problem }
  })
  const cost = ({ problem }: LatticeCase) => primalAttack(problem, 'classical').bits
  return cases
    .filter(({ problem }) => problem.samples > 0)
    .reduce((best, each) => (cost(each) <= cost(best) ? each : best))
}

export const productCases: readonly LatticeCase[] = [ours(), ours(10), ours(3), ours(2), picked()]

export const latticeRow = ({ name, problem, published }: LatticeCase): LatticeRow => {
  const costs = (model: Model) => [primalAttack(problem, model), dualAttack(problem, model)] as const
  const both = { classical: costs('classical'), quantum: costs('quantum') }
  const least = (model: Model) => Math.min(...both[model].map(({ bits }) => bits))
  return {
    name,
    problem,
    published: published ?? null,
    costs: both,
    least: { classical: least('classical'), quantum: least('quantum') },
  }
}
