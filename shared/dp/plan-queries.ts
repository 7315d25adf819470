import { smallestScaleBits } from '../he/thresholds.ts'
import { largestSite } from '../study/federation.ts'
import { refused, StudyRefused } from '../study/finding.ts'
import type { StudyDraft } from '../study/study-schema.ts'
import { delta, epsilon, noiseMultiplier } from '../units.ts'
import { truncationCharge } from './batch-capacity.ts'
import type { Phase } from './phase.ts'
import { calibrateNoise } from './calibrate.ts'
import { noiseTable, shareStepsFor } from './noise-table.ts'
import { deepestFold, leastFoldedShare } from './fold.ts'
import type { Grid, Query } from './query.ts'
import { type QueryFacts, queryFactsOf } from './query-facts.ts'
import { effectiveMultiplier, largestClamp, latticeShrink, leastClamp, slackLimit, slotBitsOf } from './slack.ts'

/**
 * The plan of a study from its public facts: its family's queries that name a share of the budget for that share, then the one that
 * takes what is left, its noise calibrated so that all attempts of all queries together, spares included (R6), cost at most
 * `privacy.epsilon` at `privacy.delta` to whoever sees `noise_shares` shares of the noise. An evaluation asks other patients, so
 * that its scores, all attempts, may cost as much again (plan-branches.ts). Deterministic: both sides build the same plan. Throws
 * `PLAN_REFUSED` when no noise reaches epsilon. Cost: one calibration (some PLDs), two with an evaluation.
 */
export const planQueries = (draft: StudyDraft): Query[] => {
  const { privacy, federation } = draft
  const facts = queryFactsOf(draft)
  const site = largestSite(draft)
  const sized = (query: QueryFacts, effective: number): Query => {
    const { sigma, grid } = sizeGrid({ query, effective, draft, site })
    const { share: _share, announced: _announced, reach: _reach, ...frozen } = query
    return { ...frozen, noiseMultiplier: noiseMultiplier(sigma), grid }
  }
  const distance = samplerDistance(facts, draft)
  const calibrated = ({ samplingRate: rate, attempts: steps }: QueryFacts, besides: readonly Query[]): number =>
    calibrateNoise({
      target: epsilon(privacy.epsilon),
      delta: delta(privacy.delta - samplerReserve(privacy, distance)),
      samplingRate: rate,
      steps,
      besides: phasesOf(besides, federation.noise_shares, federation.noise_shares),
    })
  const shared = new Map<QueryFacts, Query>()
  for (const query of facts)
    if (query.share !== null) shared.set(query, sized(query, multiplierFor(draft, query.share, query.attempts)))
  return facts.map(
    (query) =>
      shared.get(query) ?? sized(query, calibrated(query, query.kind === 'scores' ? [] : [...shared.values()])),
  )
}

/**
 * Noise over sensitivity that buys `attempts` unsampled releases for `share` of the budget in zCDP: epsilon = rho + 2 sqrt(rho
 * ln(1/delta)) (Bun and Steinke 2016, proposition 1.3) gives rho; each release costs 1 / (2 m^2). Sampling only makes it cheaper.
 */
const multiplierFor = ({ privacy }: StudyDraft, share: number, attempts: number): number => {
  const log = Math.log(1 / privacy.delta)
  const rho = (Math.sqrt(log + privacy.epsilon) - Math.sqrt(log)) ** 2
  return Math.sqrt(attempts / (2 * share * rho))
}

interface Sizing {
  readonly query: QueryFacts
  /** Noise over sensitivity wanted. */
  readonly effective: number
  readonly draft: StudyDraft
  readonly site: number
}

/**
 * The coarsest fine grid whose slack is allowed, and the multiplier that is worth `effective` after it. With r = sqrt(dimension)
 * / (sqrt(h) shareSteps) the slack is sigma r, so sigma = wanted / (1 - wanted r), `wanted` being `effective` with what the
 * lattice costs put back; rounded up at the sixth digit.
 *
 * Long vectors (gradients, pairs) are folded as far as a share allows and take the densest slots that leave room to clamp; where
 * none do, and for counts, a value has a coefficient to itself and is not folded.
 */
const sizeGrid = ({ query, effective, draft, site }: Sizing) => {
  const { federation, sites } = draft
  const { kind, dimension, clipNorm: norm } = query
  const shares = federation.noise_shares
  const bound = effective * (1 + slackLimit[kind]) * (1 + 1e-4)
  const fewest = (bound * Math.sqrt(dimension)) / (Math.sqrt(shares) * slackLimit[kind])
  const { shareSteps, noiseBound } = noiseTable(shareStepsFor(Math.max(leastFoldedShare, Math.ceil(fewest))))
  const r = Math.sqrt(dimension) / (Math.sqrt(shares) * shareSteps)
  const wanted = effective / latticeShrink(shareSteps, shares)
  const sigma = roundUp(wanted / (1 - wanted * r))
  const step = stepOf(sigma, norm, shares, shareSteps)
  const scaleBits = smallestScaleBits(sites.length)
  const gridOf = (valuesPerCoefficient: Grid['valuesPerCoefficient']): Grid => {
    const foldBits = valuesPerCoefficient === 1 ? 0 : deepestFold(shareSteps)
    const slotBits = slotBitsOf(scaleBits, valuesPerCoefficient)
    const clamp = largestClamp(sites.length, slotBits, noiseBound, foldBits)
    return { step, shareSteps, noiseBound, clamp, foldBits, valuesPerCoefficient, slotBits, scaleBits }
  }
  const fits = (grid: Grid) => grid.clamp * step >= leastClamp({ ...query, grid }, query.reach, site)
  const dense = kind === 'gradient' || kind === 'pairs' ? ([3, 2] as const).map(gridOf).find(fits) : undefined
  return { sigma, grid: dense ?? gridOf(1) }
}

/** Grid step for a share of `shareSteps` steps: sigma C / sqrt(h) / shareSteps, in the units of the vector. */
export const stepOf = (sigma: number, norm: number, shares: number, shareSteps: number): number =>
  (sigma * norm) / Math.sqrt(shares) / shareSteps

/** Up, at the sixth significant digit: a multiplier that people can read and that keeps its promise. */
const roundUp = (value: number): number => {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 5)
  return Number((Math.ceil(value / unit) * unit).toPrecision(6))
}

/** What the accountant is given: every attempt charged, noise of `shares` shares, `records` contributions a unit (R9, R17). */
export const phasesOf = (queries: readonly Query[], shares: number, sizedFor: number, records = 1): Phase[] =>
  queries.map((query) => ({
    noiseMultiplier: noiseMultiplier(effectiveMultiplier(query, shares, sizedFor)),
    samplingRate: query.samplingRate,
    steps: query.attempts,
    ...(records === 1 ? {} : { recordsPerUnit: records }),
  }))

/**
 * The part of delta kept back for the sampler, (1 + e^epsilon) times its distance (R20), and for truncated batches (R10, at most
 * delta / 4096; batch-capacity.ts); never under delta / 1024, so that
 * one number serves every view that is not far weaker than the promise. Throws `PLAN_REFUSED` above half of delta.
 */
export const samplerReserve = (
  privacy: { readonly epsilon: number; readonly delta: number },
  distance: number,
): number => {
  const charge = (1 + Math.exp(privacy.epsilon)) * distance
  if (charge > privacy.delta / 2)
    throw new StudyRefused([refused(['privacy', 'delta'], 'the noise sampler alone would use up half of delta')])
  return Math.max(charge + truncationCharge(privacy), privacy.delta / 1024)
}

/** Statistical distance of all noise draws of the plan from the ideal: 2^-64 a draw, each site its own (R20). */
export const samplerDistance = (
  queries: readonly Pick<Query, 'dimension' | 'attempts'>[],
  { sites }: Pick<StudyDraft, 'sites'>,
): number => queries.reduce((sum, query) => sum + query.dimension * query.attempts, 0) * sites.length * 2 ** -64
