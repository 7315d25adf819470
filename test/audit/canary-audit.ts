import { priceOf } from '@tributary/shared/dp/accountant'
import { phasesOf } from '@tributary/shared/dp/plan-queries'
import type { Query } from '@tributary/shared/dp/query'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { delta as deltaOf, noiseMultiplier } from '@tributary/shared/units'
import type { CanaryDesign } from './canary-design.ts'
import { epsilonLowerBound } from './one-run.ts'
import { type Measured, measuredNoise, measuredSignal } from './reading-moments.ts'
import type { Observation, Reading } from './white-box.ts'

/** How sure a bound is, and at which delta. */
interface Level {
  readonly delta: number
  /** The chance that the bound lies above the true epsilon, at most. */
  readonly significance: number
}

/** What people read: about as tight as one run gets. */
const printed: Level = { delta: 1e-5, significance: 0.05 }

/**
 * What passes or fails. m canaries let an honest mechanism mislead with a chance near m delta, so a bound that errs once in a
 * million runs is taken at a delta far below the plan's, and held against what the plan claims there. (What the plan keeps
 * back for its sampler and for full batches is rarer than that in any one run.)
 */
const deciding: Level = { delta: 1e-9, significance: 1e-6 }

/**
 * Parts of the canaries that are guessed, half of each from the highest scores and half from the lowest: few guesses are surest when
 * noise is as claimed, many when it is not. Settled before the run; each takes its part of the significance.
 */
const guessedParts = [0.02, 0.05, 0.2, 1] as const

export interface Bound extends Level {
  readonly claimed: number
  readonly lower: number
  readonly guesses: number
  readonly correct: number
}

export interface AuditLine {
  readonly what: string
  readonly canaries: number
  readonly rounds: number
  readonly printed: Bound
  readonly deciding: Bound
  /** Per query: what was added to each place over noise multiplier x clip norm; fails when surely below 1. */
  readonly noise: readonly Measured[]
  /** Per query: what a drawn canary adds over the clip norm; fails when surely above 1. */
  readonly signal: readonly Measured[]
  /** Epsilon at the printed delta of Gaussian noise as measured and one full clip norm: above the claim, it fails. */
  readonly fitted: Measured
  /** Why the claim is refused; empty for a correct build but for one run in 70,000. */
  readonly refuted: readonly string[]
}

/** Judges one observation by the `places` of its design that are named: a query by itself, or the whole plan. */
export const judge = (
  what: string,
  { manifest, canaries, places }: CanaryDesign,
  { coins, readings }: Observation,
  { looked = [...places.keys()], claimed = undefined as number | undefined } = {},
): AuditLine => {
  const queries = queriesOf(manifest.plan)
  const shares = manifest.federation.noise_shares
  const seen = looked.map((i) => ({ place: places[i]!, readings: readings[i]!, query: queries[places[i]!.query]! }))
  const scores = new Float64Array(canaries)
  for (const { query, readings } of seen) for (const reading of readings) addScores(scores, reading, query)
  const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!)
  const known = seen.length === places.length ? queries : seen.map(({ query }) => query)
  const claimAt = (delta: number) => priceOf(phasesOf(known, shares, shares), deltaOf(delta)).epsilon
  const claim = claimed ?? claimAt(printed.delta)

  const noise = seen.map(({ query, readings, place }) => measuredNoise(coins, readings, query, place))
  const signal = seen.map(({ query, readings, place }) => measuredSignal(coins, readings, query, place))
  const fitted = epsilonOfNoise(seen.map(({ query }, i) => [query, noise[i]!] as const))
  const decided = boundOf(deciding, coins, order, claimAt(deciding.delta))
  const refuted = [
    ...(decided.lower > decided.claimed ? ['more coins were guessed than the claim allows'] : []),
    ...(noise.some(({ most }) => most < 1) ? ['there is less noise than the plan adds'] : []),
    ...(signal.some(({ least }) => least > 1) ? ['a patient moves a sum by more than the clip norm'] : []),
    ...(fitted.least > claim ? ['the noise is too small for the claim'] : []),
  ]
  const rounds = seen.reduce((sum, { readings }) => sum + readings.length, 0)
  return {
    what,
    canaries,
    rounds,
    printed: boundOf(printed, coins, order, claim),
    deciding: decided,
    noise,
    signal,
    fitted,
    refuted,
  }
}

/** Adds the log likelihood ratio of each reading, drawn at the query's rate against absent: the most powerful score. */
const addScores = (
  scores: Float64Array,
  reading: Reading,
  { noiseMultiplier: sigma, samplingRate: q }: Query,
): void => {
  const variance = sigma ** 2
  for (let i = 0; i < scores.length; i++)
    scores[i] = scores[i]! + Math.log1p(q * Math.expm1((reading[i]! - 0.5) / variance))
}

const boundOf = (level: Level, coins: Uint8Array, order: readonly number[], claimed: number): Bound => {
  const right = (guessed: readonly number[], coin: number) => guessed.filter((canary) => coins[canary] === coin).length
  const significance = level.significance / guessedParts.length
  const bounds = guessedParts.map((part) => {
    const half = Math.max(1, Math.floor((part * coins.length) / 2))
    const guesses = 2 * half
    const correct = right(order.slice(0, half), 1) + right(order.slice(-half), 0)
    const lower = epsilonLowerBound({ canaries: coins.length, guesses, correct }, level.delta, significance)
    return { ...level, claimed, lower, guesses, correct }
  })
  return bounds.reduce((best, bound) => (bound.lower > best.lower ? bound : best))
}

/** Below it nothing is left to price, at great length. */
const leastNoise = 1 / 16

/** From the noise multipliers as measured; not through the plan's own pricing, which may be what is wrong. */
const epsilonOfNoise = (queries: readonly (readonly [Query, Measured])[]): Measured => {
  const at = (which: keyof Measured) => {
    const phases = queries.map(([{ noiseMultiplier: sigma, samplingRate, attempts }, noise]) => ({
      noiseMultiplier: noiseMultiplier(sigma * Math.max(leastNoise, noise[which])),
      samplingRate,
      steps: attempts,
    }))
    return priceOf(phases, deltaOf(printed.delta)).epsilon
  }
  return { measured: at('measured'), least: at('most'), most: at('least') }
}
