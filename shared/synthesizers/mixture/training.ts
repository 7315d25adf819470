import { CodedError } from '../../errors.ts'
import type { Generator } from '../../generator/generator.ts'
import { loadEngine } from '../../tensor/engine.ts'
import type { Layout } from '../cells.ts'
import { counterRandom } from '../counter-random.ts'
import type { FamilyStep, FamilyStudy, FamilyTraining } from '../family.ts'
import { coarseShares, encodeGrouping, type Grouping, groupingOf, levelsOf } from '../grouping.ts'
import { type MarginalShares, marginalShares } from '../marginal-shares.ts'
import { withMargins } from './component-margins.ts'
import { drawRows } from './draw-rows.ts'
import { fitMixture } from './fit.ts'
import { mixtureGenerator } from './generator.ts'
import { pairShares, withoutZeros } from './mixture.ts'
import { fitOutcomeLaw } from './outcome-law.ts'
import type { PairRelease } from './pair-release.ts'
import { pairWeights } from './pair-weights.ts'
import { type StudyMixture, studyMixtureOf } from './study-mixture.ts'
import { encodeState, type TrainingState, withMarginals, withPairs } from './training-state.ts'

/** The queries, in their order; a table of one column has no pairs. */
export const marginals = 0
export const pairs = 1

/** A law with more levels costs more than it is worth. */
const mostLawLevels = 16
/** Rows that the law is fitted to. */
const lawRows = 32_768

export class MixtureTraining implements FamilyTraining {
  readonly #study: FamilyStudy
  readonly #plan: StudyMixture
  readonly #state: TrainingState

  constructor(study: FamilyStudy, state: TrainingState) {
    this.#study = study
    this.#plan = studyMixtureOf(study)
    this.#state = state
  }

  /** For pairs: the group of every level, then the weight of every pair. Weights follow from public facts alone. */
  announce({ index }: Pick<FamilyStep, 'index'>): Float32Array {
    if (index === marginals) return new Float32Array(0)
    return joined(encodeGrouping(this.#grouping(this.#shares())), this.#weights())
  }

  async after(step: FamilyStep, sum: Float64Array): Promise<FamilyTraining> {
    const state =
      step.index === marginals
        ? withMarginals(this.#state, step, sum)
        : withPairs(this.#state, step, sum, this.#plan.pairs, this.#weights())
    return new MixtureTraining(this.#study, state)
  }

  /** Denoises and fits: seconds for twenty columns, minutes for a hundred. */
  async finish(): Promise<FamilyTraining> {
    if (this.#state.probabilities.length > 0) return this
    const { components, fit_steps, residual_rounds } = this.#plan.settings
    const engine = await loadEngine()
    const release = this.#release()
    const { layout } = release.pairs
    const fitted = fitMixture(engine, release, {
      components,
      steps: fit_steps,
      residualRounds: residual_rounds,
      seed: this.#state.seed,
    })
    const probabilities = withoutZeros(withMargins(layout, withoutZeros(fitted), release.margins))
    return new MixtureTraining(this.#study, { ...this.#state, probabilities, law: this.#lawOf(layout, probabilities) })
  }

  /** From rows of the mixture, whose pairs they follow; none for an outcome that is not named, or has too many levels. */
  #lawOf(layout: Layout, probabilities: Float32Array): Float32Array {
    const { outcome, settings, sizes } = this.#plan
    if (outcome === null || sizes[outcome]! > mostLawLevels || sizes[outcome]! < 2 || sizes.length < 2)
      return new Float32Array(0)
    const rows = { layout, components: settings.components, probabilities }
    const cells = drawRows({ ...rows, law: null }, pairShares(rows), counterRandom(this.#state.seed, 1), 0, lawRows)
    return fitOutcomeLaw(layout, cells, outcome).weights
  }

  release(): Generator {
    const { probabilities, law } = this.#state
    const { outcome } = this.#plan
    if (probabilities.length === 0) throw new CodedError('ARGUMENT_INVALID', 'the training is not finished')
    const { shares } = this.#shares()
    const grouping = this.#grouping({ shares })
    return mixtureGenerator({
      layout: grouping.layout,
      components: this.#plan.settings.components,
      probabilities,
      marginals: coarseShares(grouping, shares),
      levels: levelsOf(grouping, shares),
      law: outcome === null || law.length === 0 ? null : { outcome, weights: law },
    })
  }

  encode(): Uint8Array {
    return encodeState(this.#state)
  }

  /** Shares of levels from the marginals so far; even ones before any. */
  #shares(): MarginalShares {
    const { marginals: weighted, marginalPrecision: precision, divisor } = this.#state
    const counts = precision > 0 ? weighted.map((value) => value / precision) : weighted
    return marginalShares(this.#study.columns, counts, precision > 0 ? precision ** -0.5 : 1, divisor)
  }

  #grouping({ shares }: Pick<MarginalShares, 'shares'>): Grouping {
    return groupingOf(this.#study.columns, this.#plan.sizes, shares)
  }

  #weights(): Float32Array {
    const { pairs: layout, settings, outcome } = this.#plan
    return pairWeights(layout, settings.pair_exponent, outcome, settings.outcome_weight)
  }

  #release(): PairRelease {
    const { pairs: weighted, pairPrecision } = this.#state
    const { pairs: layout } = this.#plan
    const { units, shares } = this.#shares()
    const margins = coarseShares(this.#grouping({ shares }), shares)
    const pairCounts = weighted.slice()
    pairPrecision.forEach((precision, pair) => {
      if (precision === 0) return
      for (let cell = layout.offsets[pair]!; cell < layout.offsets[pair + 1]!; cell++)
        pairCounts[cell] = pairCounts[cell]! / precision
    })
    const sigma = pairPrecision.map((precision) => 1 / Math.sqrt(precision))
    return { pairs: layout, units, margins, pairCounts, sigma }
  }
}

const joined = (map: Float32Array, weights: Float32Array): Float32Array => {
  const numbers = new Float32Array(map.length + weights.length)
  numbers.set(map)
  numbers.set(weights, map.length)
  return numbers
}
