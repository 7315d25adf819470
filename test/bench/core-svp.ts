/**
 * What the two standard lattice attacks on LWE cost in the core-SVP model: one call of a shortest-vector oracle in dimension b,
 * everything else free, so a lower bound by intent. Alkim, Ducas, Poeppelmann and Schwabe, "Post-quantum key exchange: a new
 * hope" (2016), section 6; Albrecht, Player and Scott, "On the concrete hardness of Learning with Errors" (2015); BKZ by the
 * Geometric Series Assumption with Chen's root Hermite factor (2013). Our own code, no lattice-estimator: that one wants Sage.
 */
export interface LatticeProblem {
  /** n: coefficients of the secret. For a ring or module, all of them: no attack here uses the ring. */
  readonly dimension: number
  readonly modulus: number
  /**
   * Standard deviation of error and secret alike. A uniform secret comes to the same (Applebaum et al. 2009): `dimension` of the
   * samples turn it into one drawn like the error.
   */
  readonly deviation: number
  /** Most samples that the attacker has in that form. */
  readonly samples: number
}

export interface AttackCost {
  readonly attack: 'primal' | 'dual'
  /** b of BKZ. */
  readonly blockSize: number
  /** Dimension of the lattice that is reduced. */
  readonly lattice: number
  /** log2 of operations. */
  readonly bits: number
}

/** log2 of one call of the oracle is this times b: Becker et al. 2016; Laarhoven 2015 for quantum computers. */
export const sieveExponents = { classical: 0.292, quantum: 0.265 } as const
export type Model = keyof typeof sieveExponents

/** A sieve in dimension b leaves 2^(0.2075 b) short vectors, all of which the dual attack may use. */
const vectorsExponent = 0.2075
const [smallestBlock, largestBlock] = [60, 20_000] as const

/** log2 of the root Hermite factor of BKZ-b. */
const hermite = (b: number): number =>
  Math.log2(((Math.PI * b) ** (1 / b) * b) / (2 * Math.PI * Math.E)) / (2 * (b - 1))

/** The dimension in which q^(k/d) delta^d is least, d - k being at most the samples. */
const bestLattice = (k: number, { modulus, samples }: LatticeProblem, delta: number): number =>
  Math.min(Math.max(Math.round(Math.sqrt((k * Math.log2(modulus)) / delta)), k + 1), k + samples)

/** The least b for which sqrt(b) deviation <= delta^(2b - d - 1) q^(m / d), d = m + n + 1: the secret then shows in the last block. */
export const primalAttack = (problem: LatticeProblem, model: Model): AttackCost => {
  const { dimension, modulus, deviation } = problem
  for (let b = smallestBlock; b < largestBlock; b++) {
    const delta = hermite(b)
    const lattice = bestLattice(dimension + 1, problem, delta)
    const shown = Math.log2(b) / 2 + Math.log2(deviation)
    const last = (2 * b - lattice - 1) * delta + (Math.log2(modulus) * (lattice - dimension - 1)) / lattice
    if (shown <= last) return { attack: 'primal', blockSize: b, lattice, bits: sieveExponents[model] * b }
  }
  throw new Error('no block size below 20,000 solves it')
}

/**
 * Distinguishing by short vectors of the dual lattice: length l = delta^(d-1) q^(n/d), advantage 4 exp(-2 (pi l deviation / q)^2),
 * repeated until it shows; every sieve brings all its vectors. Least over b.
 */
export const dualAttack = (problem: LatticeProblem, model: Model): AttackCost => {
  const { dimension, modulus, deviation } = problem
  let best: AttackCost | undefined
  for (let b = smallestBlock; b < largestBlock; b++) {
    const once = sieveExponents[model] * b
    if (best !== undefined && once >= best.bits) break
    const delta = hermite(b)
    const lattice = bestLattice(dimension, problem, delta)
    const length = (lattice - 1) * delta + (dimension * Math.log2(modulus)) / lattice
    const tau = 2 ** (length - Math.log2(modulus)) * deviation
    const advantage = 2 - 2 * (Math.PI * tau) ** 2 * Math.LOG2E
    const bits = once + Math.max(0, -2 * advantage - vectorsExponent * b)
    if (best === undefined || bits < best.bits) best = { attack: 'dual', blockSize: b, lattice, bits }
  }
  if (best === undefined || !Number.isFinite(best.bits)) throw new Error('no block size below 20,000 solves it')
  return best
}

/** Standard deviation of a centred binomial of 2 x `coins` bits: SEAL's error has 21. */
export const binomialDeviation = (coins: number): number => Math.sqrt(coins / 2)

/**
 * What is left of one error's deviation to whoever knows the sum of the errors of `honest` contributors. For Gaussians exactly:
 * e_1 - E / h given E. No whole combination of the errors is narrower, but for multiples of E itself: its part orthogonal to
 * (1, .., 1) has squared length |a|^2 - (sum a)^2 / h >= 1 - 1 / h.
 */
export const deviationGivenSum = (deviation: number, honest: number): number => deviation * Math.sqrt(1 - 1 / honest)

/**
 * The samples whose two errors have a sum of at least `least` in size, in each place by itself, from all `samples` of them: how many
 * there are to be expected, and the deviation that one error keeps there (root mean square). Each error is `coins` heads less `coins`
 * of 2 `coins` tosses, so that given a sum of K heads among 4 `coins` one is hypergeometric, of variance
 * 2 coins K/(4 coins) (1 - K/(4 coins)) 2 coins/(4 coins - 1): the further K is from the middle, the narrower.
 */
export const pickedBySum = (coins: number, samples: number, least: number): { samples: number; deviation: number } => {
  const tosses = 4 * coins
  let [chance, weighted] = [0, 0]
  for (let heads = 0, p = 2 ** -tosses; heads <= tosses; p *= (tosses - heads) / ++heads) {
    if (Math.abs(heads - tosses / 2) < least) continue
    const share = heads / tosses
    chance += p
    weighted += (p * 2 * coins * share * (1 - share) * 2 * coins) / (tosses - 1)
  }
  return { samples: Math.round(chance * samples), deviation: Math.sqrt(weighted / chance) }
}
