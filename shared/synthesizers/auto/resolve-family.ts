import { sizeOfColumn } from '../../schema/column.ts'
import type { AutoregressiveBlock } from '../autoregressive/schema.ts'
import type { MixtureSettings } from '../mixture/schema.ts'
import { groupSizes } from './group-sizes.ts'
import type { AutoBlock } from './schema.ts'
import { type AutoFacts, plannedShare, type Signal, signalOf } from './signal.ts'

/**
 * The family block that `auto` stands for: deterministic, from public facts alone (R19), so that every hospital can check it against
 * the study file. Two rounds of counts and a mixture fitted to them wherever all pairs of columns can be counted; a network by DP-SGD
 * for tables with so many columns (above about 360) that they cannot, and for a single column, which has no pairs. The figures are
 * those of docs/decisions/0011-auto-rule.md. Throws `UNIT_OUT_OF_RANGE` for an epsilon or delta that no accountant takes.
 */
export const resolveFamily = (
  facts: AutoFacts & { readonly family: AutoBlock },
): MixtureSettings | AutoregressiveBlock => {
  const { columns, family, evaluation } = facts
  const signal = signalOf(facts)
  const named = family.outcome ?? evaluation?.outcome
  const outcome = columns.findIndex((column) => column.name === named)
  const sizes =
    columns.length < 2
      ? null
      : groupSizes({ columns, strength: signal.strength, outcome, mostLevels: family.most_levels ?? 65_535 })
  return sizes === null
    ? networkBlock(facts, signal)
    : mixtureBlock(facts, signal, sizes, outcome < 0 ? undefined : columns[outcome]!.name)
}

/** Multiplications and additions of a fit that a coordinator makes in minutes. */
const mostFitWork = 2e11

const mixtureBlock = (
  { privacy, family }: AutoFacts & { readonly family: AutoBlock },
  { strength }: Signal,
  sizes: readonly number[],
  outcome: string | undefined,
): MixtureSettings => {
  const share = clamp(4.5 / Math.sqrt(strength), 0.18, 0.5)
  const [components, fitSteps] = strength < 60 ? [400, 300] : strength < 300 ? [600, 500] : [1000, 1000]
  const residualRounds = strength < 300 ? 3 : 1
  const cells = sizes.reduce((a, b) => a + b, 0)
  const work = cells * cells * components * fitSteps * (1 + residualRounds / 2)
  const saved = Math.min(1, Math.sqrt(mostFitWork / work))
  return {
    name: 'mixture',
    chosen: 'auto',
    components: Math.max(100, Math.round(components * saved)),
    fit_steps: Math.max(150, Math.round(fitSteps * saved)),
    residual_rounds: residualRounds,
    most_groups: [...sizes],
    ...(outcome !== undefined && { outcome }),
    outcome_weight: outcome === undefined ? 1 : 3,
    pair_exponent: strength < 200 ? 1 / 3 : 2 / 3,
    marginals_share: roundTo(plannedShare(share, privacy.epsilon, privacy.delta)),
    ...releasesOf(family.most_rounds),
  }
}

/**
 * How often each of the two queries is released. The same noise budget in many releases, averaged, buys the same as in one, while an
 * attempt in reserve costs only one part of so many; a reserve for a single release would double its price. Two thirds go to the
 * pairs, 66 rounds are enough: more would save less than a fiftieth of the budget.
 */
const releasesOf = (mostRounds: number): Pick<MixtureSettings, 'steps' | 'spares'> => {
  const rounds = Math.min(66, mostRounds)
  const attempts = {
    marginals: Math.max(1, Math.floor(rounds / 3)),
    pairs: rounds - Math.max(1, Math.floor(rounds / 3)),
  }
  const spares = { marginals: sparesOf(attempts.marginals), pairs: sparesOf(attempts.pairs) }
  return {
    steps: { marginals: attempts.marginals - spares.marginals, pairs: attempts.pairs - spares.pairs },
    spares,
  }
}

/** One in two dozen, where there are at least four: a quarter of the budget is the most that a reserve may cost. */
const sparesOf = (attempts: number): number => (attempts < 4 ? 0 : Math.ceil(attempts / 24))

/** Weights of the network at most, roughly: what is sent in each of its many rounds. */
const mostNetworkWeights = 2 ** 18

const networkBlock = (facts: AutoFacts & { readonly family: AutoBlock }, { units }: Signal): AutoregressiveBlock => {
  const { columns, family, privacy } = facts
  const loudness = units * privacy.epsilon
  const [steps, hidden, rate, share] =
    loudness >= 50_000
      ? ([300, 192, 0.01, 0.1] as const)
      : loudness >= 20_000
        ? ([300, 128, 0.01, 0.1] as const)
        : loudness >= 5_000
          ? ([100, 48, 0.015, 0.25] as const)
          : ([50, 16, 0.02, 0.4] as const)
  const isLone = columns.length === 1
  const attempts = Math.max(1, family.most_rounds - 1)
  const spares = Math.min(6, Math.floor(attempts / 8))
  const taken = isLone ? 1 : Math.max(1, Math.min(steps, attempts - spares))
  const levels = networkLevels(facts, hidden)
  const cells = columns.reduce((sum, column) => sum + Math.min(levels, sizeOfColumn(column)), 0)
  const batch = steps >= 300 ? Math.min(4096, units / 20) : steps >= 100 ? Math.min(2048, units / 2) : units / 2
  return {
    name: 'autoregressive',
    chosen: 'auto',
    hidden: isLone ? 1 : Math.max(8, Math.min(hidden, Math.floor(mostNetworkWeights / cells))),
    learning_rate: rate,
    averaged_share: 0.5,
    steps: taken,
    sampling_rate: roundTo(clamp(batch / units, 1e-6, 1)),
    most_levels: levels,
    marginals_share: isLone ? 0.9 : share,
    clip_norm: 1,
    spares: { marginals: 0, gradient: isLone ? 0 : spares },
  }
}

/** The most groups a column, at least 2, with which the network's skip from input to output stays affordable. */
const networkLevels = ({ columns, family }: AutoFacts & { readonly family: AutoBlock }, hidden: number): number => {
  const wanted = Math.min(family.most_levels ?? 64, Math.max(2, ...columns.map(sizeOfColumn)))
  for (let most = wanted; most > 2; most--) {
    const cells = columns.reduce((sum, column) => sum + Math.min(most, sizeOfColumn(column)), 0)
    if ((cells / 2 + hidden) * cells <= mostNetworkWeights) return most
  }
  return 2
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value))

/** Four digits: numbers in a manifest are read by people. */
const roundTo = (value: number): number => Number(value.toPrecision(4))
