import { collusionThatOpensTwice } from '../he/thresholds.ts'
import { odds } from './odds.ts'

/** One figure of epsilon at the study's delta. */
export interface EpsilonFigure {
  readonly epsilon: number
  /**
   * False: the noise sampler's distance is inside delta (R20). True: epsilon is so large that e^epsilon times that distance
   * exceeds delta; the figure then holds for noise within `distance` in total variation of the noise drawn.
   */
  readonly idealNoise: boolean
}

/** The federation's rules that decide who misses how much noise. */
export interface FederationRule {
  readonly sites: number
  /** m: who hold shares of every key; all sites, or a committee of them. */
  readonly holders: number
  /** Least |U| of a sum that may be opened. */
  readonly least: number
  /** Answers that open a sum. */
  readonly threshold: number
  /** Hospitals that the study expects to collude, c. */
  readonly colluders: number
}

/**
 * `generator`: what AES-256-CTR expands from keys of the operating system cannot be told from random bits; all coins, noise and
 * rounding are such bits. `encryption`: sealed contributions say nothing of what they hold but the opened sum (RLWE, and what seals
 * the shares of its keys); assumed only against whoever holds them.
 */
export type CryptographicAssumption = 'generator' | 'encryption'

const anybody: readonly CryptographicAssumption[] = ['generator']
const holderOfSealed: readonly CryptographicAssumption[] = ['generator', 'encryption']

/** Someone who looks, and what they hold. */
export interface Adversary {
  readonly who: 'public' | 'coordinator' | 'hospital' | 'coalition'
  readonly name: string
  /** Hospitals among them; their noise shares are known to them, their patients are not whom the figure protects. */
  readonly hospitals: number
  readonly knows: string
  /** Independent noise shares in the least noisy view they can reach of a sum that holds the protected patient. */
  readonly missedShares: number
  /** True: they can open one hospital's sum alone. */
  readonly isolates: boolean
  /** What the figure assumes of cryptography; without it no figure holds, against anybody (R11). */
  readonly assumes: readonly CryptographicAssumption[]
}

/** Whose presence is in question: units that change together between two neighbouring federations. */
export interface Target {
  readonly name: string
  readonly hospitals: number
  /** Contributions of theirs at each hospital. */
  readonly recordsEach: number
}

export interface AdversaryRow extends Adversary, EpsilonFigure {
  readonly target: Target
  /** That the target is in the data: 0.5 before becomes at most this; delta is an allowance beside it (odds.ts). */
  readonly belief: { readonly before: number; readonly afterAtMost: number }
}

/** Colluding hospitals that can open one hospital's sum alone: the fewest, all of them share holders (R7). */
export const isolationOf = ({ sites, holders, least, threshold }: FederationRule): number =>
  collusionThatOpensTwice({ sites, holders, threshold, leastContributors: least })

const hospitalsOf = (count: number): string => `${count} hospital${count === 1 ? '' : 's'}`

/**
 * Everyone whom the rules tell apart (R7, R8), against a patient of one honest hospital.
 *
 * Whoever contributes nothing misses all shares of the least set. A hospital recomputes every sum from successive models and
 * takes off its own share; as many as the study expects, max(c, 1), do it together. The coordinator alone sees no more noise
 * taken off than the public; with k hospitals it chooses |U| = least with all k inside, until k can open two sets of one
 * attempt (or hold t shares of every key): then the difference is one hospital's sum under its own share. Rows: public,
 * coordinator, hospital, coalitions of k = 1 .. sites - 1.
 */
export const adversariesOf = (rule: FederationRule): readonly Adversary[] => {
  const { sites, least, colluders } = rule
  const isolation = isolationOf(rule)
  const peers = Math.max(colluders, 1)
  const coalition = (k: number): Adversary => {
    const isolates = k >= isolation
    const alone = "one hospital's sum alone, its own noise"
    return {
      who: 'coalition',
      name: `the coordinator and ${hospitalsOf(k)}`,
      hospitals: k,
      knows: isolates ? alone : `every opened sum, ${k === 1 ? 'one noise share' : `${k} noise shares`}`,
      missedShares: isolates ? 1 : least - k,
      isolates,
      assumes: holderOfSealed,
    }
  }
  return [
    {
      who: 'public',
      name: 'the public',
      hospitals: 0,
      knows: 'the generator and what is drawn from it',
      missedShares: least,
      isolates: false,
      assumes: anybody,
    },
    {
      who: 'coordinator',
      name: 'the coordinator',
      hospitals: 0,
      knows: 'every opened sum; who took part, sizes, times',
      missedShares: isolation === 0 ? 1 : least,
      isolates: isolation === 0,
      assumes: holderOfSealed,
    },
    {
      who: 'hospital',
      name: peers === 1 ? 'another hospital' : `${hospitalsOf(peers)} together`,
      hospitals: peers,
      knows: `the model of every round, hence each sum; ${peers === 1 ? 'its own noise' : 'their own noise'}; what peers last took part in`,
      missedShares: least - peers,
      isolates: false,
      assumes: anybody,
    },
    ...Array.from({ length: sites - 1 }, (_, i) => coalition(i + 1)),
  ]
}

/** Hospitals that hold one person, for which a figure is given: each number up to eight, and all. */
const severalHospitals = (sites: number): number[] =>
  Array.from({ length: sites - 1 }, (_, i) => i + 2).filter((k) => k <= 8 || k === sites)

/** Targets against whom only the public is priced: a person of several hospitals (R9), and of several rows (R17). */
export const groupsOf = (
  unit: 'row' | 'patient',
  { sites }: Pick<FederationRule, 'sites'>,
  mostRows: number,
): readonly Target[] => [
  ...(unit === 'row' && mostRows > 1
    ? [{ name: `a patient with ${mostRows} rows in one hospital`, hospitals: 1, recordsEach: mostRows }]
    : []),
  ...severalHospitals(sites).map((hospitals) => ({
    name:
      unit === 'row'
        ? `a patient with one row in each of ${hospitals} hospitals`
        : `a patient of ${hospitals} hospitals`,
    hospitals,
    recordsEach: 1,
  })),
]

/**
 * The table of item 5: for each adversary and each target, epsilon and what it does to a belief. `price` gives epsilon for
 * someone who misses so many shares of the noise, of a target with so many contributions (group PLD at the same delta, R9: k
 * hospitals draw k independent coins and move the sum by at most k sensitivities, Ganesh 2024, arXiv 2401.10294). Cost: one
 * price for each different pair.
 */
export const adversaryTable = (
  unit: 'row' | 'patient',
  rule: FederationRule,
  mostRows: number,
  price: (missedShares: number, contributions: number) => EpsilonFigure,
): readonly AdversaryRow[] => {
  const adversaries = adversariesOf(rule)
  const one: Target = { name: `a ${unit} of one hospital`, hospitals: 1, recordsEach: 1 }
  const row = (adversary: Adversary, target: Target): AdversaryRow => {
    const figure = price(adversary.missedShares, target.hospitals * target.recordsEach)
    return { ...adversary, target, ...figure, belief: { before: 0.5, afterAtMost: odds(figure.epsilon, 0.5) } }
  }
  const outside = adversaries.slice(0, 1)
  return [
    ...adversaries.map((adversary) => row(adversary, one)),
    ...groupsOf(unit, rule, mostRows).flatMap((target) => outside.map((adversary) => row(adversary, target))),
  ]
}
