import { frameLength } from '../he/frame.ts'
import { blocksOfPart, partCount } from '../he/parts.ts'
import { ringFacts } from '../he/ring-parameters.ts'
import { fewestContributors, threshold } from '../he/thresholds.ts'
import { CodedError } from '../errors.ts'
import { holderCount, promisedUnits } from '../study/federation.ts'
import { refused, StudyRefused } from '../study/finding.ts'
import { queriesOf } from '../study/plan-block.ts'
import type { Manifest } from '../study/study-schema.ts'
import { delta as deltaOf } from '../units.ts'
import { priceOf } from './accountant.ts'
import { truncationCharge } from './batch-capacity.ts'
import { type AdversaryRow, adversaryTable, type EpsilonFigure, isolationOf } from './adversary-table.ts'
import { reservedPhases, splitsOf } from './plan-branches.ts'
import { samplerDistance, samplerReserve } from './plan-queries.ts'
import type { Phase } from './phase.ts'
import type { ReservedPhase } from './plan-branches.ts'
import type { Query } from './query.ts'
import { effectiveMultiplier, slackOf } from './slack.ts'

export interface QueryPrice {
  readonly kind: Query['kind']
  readonly slack: number
  readonly effectiveMultiplier: number
  /** Standard deviation of the summed noise when the least number of sites contributes, in the units of the vector. */
  readonly noise: number
  /** The clamp in the units of the vector. */
  readonly clampValue: number
  readonly ringBlocks: number
  readonly bytesPerContribution: number
  readonly bytesPerParameter: number
}

export interface PlanPrice {
  readonly unit: 'row' | 'patient'
  readonly delta: number
  readonly distance: number
  readonly queries: readonly QueryPrice[]
  readonly epsilon: {
    /** With `noise_shares` shares: what the plan was calibrated to. */
    readonly target: EpsilonFigure
    /** To someone who contributes nothing, when the least number of sites contributes. */
    readonly public: EpsilonFigure
    /** To a contributing hospital (and max(c, 1) of them together). */
    readonly peer: EpsilonFigure
    /** Index k: coordinator with k colluding hospitals, k = 0 .. sites - 1, against one other hospital's patient. */
    readonly byColluders: readonly EpsilonFigure[]
    /** Unit row only: to the public, for a patient with all their rows (R17). */
    readonly patient: (EpsilonFigure & { readonly mostRows: number }) | null
    /** To the public, for a unit present in 2, 3, .. hospitals (R9). */
    readonly perHospitals: readonly (EpsilonFigure & { readonly hospitals: number })[]
  }
  /** Who sees what, and what it is worth to them: the same figures with the reasons beside them. */
  readonly adversaryTable: readonly AdversaryRow[]
  /** What each site's patient ledger is charged for the whole plan: the peer's view, at a patient's most rows. */
  readonly ledger: EpsilonFigure & {
    readonly delta: number
    readonly phases: readonly ReservedPhase[]
    readonly recordsPerUnit: number
  }
  /** True when delta is above 1 / (10 N). */
  readonly deltaFlag: boolean
  readonly largestDelta: number
  readonly contributors: {
    readonly sites: number
    /** Who hold shares of every key: all sites, or a committee. */
    readonly holders: number
    readonly least: number
    /** How many absent sites this plan may allow for at most: n less `fewestContributors`. */
    readonly mostAbsent: number
    /** Answers of holders that open a sum. */
    readonly threshold: number
    readonly isolation: number
  }
  readonly bytes: { readonly perSite: number; readonly perRound: number; readonly bytesPerParameter: number }
  readonly rounds: { readonly steps: number; readonly attempts: number }
}

const cache = new Map<string, PlanPrice>()
const cached = 16

/**
 * What a frozen plan costs, from public facts alone; a hospital and the coordinator compute the same. Charges every attempt
 * (R6). Cost: a PLD for each number of noise shares and of hospitals, a few more with an evaluation; a price already computed in
 * this process is free.
 */
export const pricePlan = (manifest: Manifest): PlanPrice => {
  const { privacy, federation, sites, plan } = manifest
  const key = JSON.stringify([privacy, federation, sites, plan])
  const known = cache.get(key)
  if (known) return known
  const price = compute(manifest)
  if (cache.size >= cached) cache.delete(cache.keys().next().value ?? '')
  cache.set(key, price)
  return price
}

const compute = (manifest: Manifest): PlanPrice => {
  const { privacy, federation, sites } = manifest
  const { least_contributors: least, colluders, noise_shares: sizedFor } = federation
  const queries = queriesOf(manifest.plan)
  const distance = samplerDistance(queries, manifest)
  const besides = { distance, truncation: truncationCharge(privacy) }
  const figures = new Map<string, EpsilonFigure>()
  /** Epsilon for an observer who misses `shares` noise shares, of a unit with `records` contributions: the dearer branch. */
  const seen = (shares: number, records = 1): EpsilonFigure => {
    const key = `${shares} ${records}`
    const figure = figures.get(key) ?? dearest(splitsOf(queries, shares, sizedFor, records), privacy, besides)
    figures.set(key, figure)
    return figure
  }
  const holders = holderCount(manifest)
  const rule = { sites: sites.length, holders, least, threshold: threshold(holders, colluders), colluders }
  const peerShares = least - Math.max(colluders, 1)
  const mostRows = privacy.unit === 'row' ? (privacy.most_rows_per_patient ?? 1) : 1
  const table = adversaryTable(privacy.unit, rule, mostRows, seen)
  const largestDelta = 1 / (10 * promisedUnits(manifest))
  return {
    unit: privacy.unit,
    delta: privacy.delta,
    distance,
    queries: queries.map((query) => priceQuery(query, least, sizedFor)),
    epsilon: {
      target: seen(sizedFor),
      public: seen(least),
      peer: seen(peerShares),
      byColluders: table
        .filter(({ who, target }) => (who === 'coordinator' || who === 'coalition') && target.hospitals === 1)
        .map(figureIn),
      patient: privacy.unit === 'row' ? { mostRows, ...seen(least, mostRows) } : null,
      perHospitals: table
        .filter(({ target }) => target.hospitals > 1)
        .map((row) => ({ hospitals: row.target.hospitals, ...figureIn(row) })),
    },
    adversaryTable: table,
    ledger: {
      ...seen(peerShares, mostRows),
      delta: privacy.delta,
      phases: reservedPhases(queries, peerShares, sizedFor, mostRows),
      recordsPerUnit: mostRows,
    },
    deltaFlag: privacy.delta > largestDelta,
    largestDelta,
    contributors: {
      sites: sites.length,
      holders,
      least,
      mostAbsent: Math.max(0, sites.length - fewestContributors(sites.length, colluders)),
      threshold: rule.threshold,
      isolation: isolationOf(rule),
    },
    ...priceTraffic(queries, holders),
  }
}

const figureIn = ({ epsilon, idealNoise }: EpsilonFigure): EpsilonFigure => ({ epsilon, idealNoise })

/** What delta pays for besides the accountant: the sampler's distance, times 1 + e^epsilon (R20), and dropped draws (R10). */
interface Besides {
  readonly distance: number
  readonly truncation: number
}

/** The dearest way in which the contributions can fall to the two branches of a plan with an evaluation. */
const dearest = (
  splits: readonly (readonly Phase[])[],
  privacy: Manifest['privacy'],
  besides: Besides,
): EpsilonFigure => {
  const figures = splits.map((phases) => figureOf(phases, privacy, besides))
  return {
    epsilon: Math.max(...figures.map(({ epsilon }) => epsilon)),
    idealNoise: figures.some(({ idealNoise }) => idealNoise),
  }
}

const figureOf = (phases: readonly Phase[], privacy: Manifest['privacy'], besides: Besides): EpsilonFigure => {
  const { distance, truncation } = besides
  const reserve = samplerReserve(privacy, distance)
  const chargeAt = (epsilon: number) => (1 + Math.exp(epsilon)) * distance + truncation
  const epsilon = epsilonOf(phases, privacy.delta - reserve)
  if (chargeAt(epsilon) <= reserve) return { epsilon, idealNoise: false }
  // A view far weaker than the promise: keep back what its own epsilon needs, with room for epsilon to grow by 0.04.
  const more = 1.05 * chargeAt(epsilon)
  if (more > privacy.delta / 2) return { epsilon, idealNoise: true }
  const larger = epsilonOf(phases, privacy.delta - more)
  return { epsilon: larger, idealNoise: chargeAt(larger) > more }
}

/** A plan whose noise is too little to be priced against somebody's view is refused as a plan, not as a wrong number. */
const epsilonOf = (phases: readonly Phase[], delta: number): number => {
  try {
    return priceOf(phases, deltaOf(delta)).epsilon
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'UNIT_OUT_OF_RANGE') throw error
    const [place, of] = phases.some(({ recordsPerUnit }) => (recordsPerUnit ?? 1) > 1)
      ? ['most_rows_per_patient', ' for one who counts so often']
      : ['epsilon', '']
    throw new StudyRefused([refused(['privacy', place], `the noise is too little to be priced${of}: ${error.message}`)])
  }
}

/** A sealed key share is one block and its mask's 8 bytes in a box of 1,136 bytes more (X25519, ML-KEM-768, tag). */
const boxBytes = frameLength(ringFacts, 1) + 8 + 1136

const priceQuery = (query: Query, least: number, sizedFor: number): QueryPrice => {
  const ringBlocks = Math.ceil(query.dimension / query.grid.valuesPerCoefficient / ringFacts.degree)
  const parts = Array.from({ length: partCount(ringBlocks) }, (_, part) => blocksOfPart(ringBlocks, part))
  const bytesPerContribution = parts.reduce((bytes, blocks) => bytes + frameLength(ringFacts, blocks), 0)
  return {
    kind: query.kind,
    slack: slackOf(query),
    effectiveMultiplier: effectiveMultiplier(query, sizedFor, sizedFor),
    noise: query.noiseMultiplier * query.clipNorm * Math.sqrt(least / sizedFor),
    clampValue: query.grid.clamp * query.grid.step,
    ringBlocks,
    bytesPerContribution,
    bytesPerParameter: bytesPerContribution / query.dimension,
  }
}

/** What one site sends if every step takes one attempt: contributions, a sealed key share for each holder, one answer of its own. */
const priceTraffic = (queries: readonly Query[], holders: number): Pick<PlanPrice, 'bytes' | 'rounds'> => {
  const sum = (of: (query: Query) => number) => queries.reduce((total, query) => total + of(query), 0)
  const vector = (query: Query) => priceQuery(query, 1, 1).bytesPerContribution
  const perRound = (query: Query) => vector(query) + holders * boxBytes + frameLength(ringFacts, 1)
  const steps = sum((query) => query.steps)
  const perSite = sum((query) => query.steps * perRound(query))
  return {
    bytes: {
      perSite,
      perRound: perSite / steps,
      bytesPerParameter: sum((query) => query.steps * vector(query)) / sum((query) => query.steps * query.dimension),
    },
    rounds: { steps, attempts: sum((query) => query.attempts) },
  }
}
