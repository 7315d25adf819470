import { CodedError } from '../../errors.ts'
import type { Generator } from '../../generator/generator.ts'
import { clipNorm } from '../../units.ts'
import { coarsen, coarseShares, decodeGrouping, groupingOf, levelsOf } from '../grouping.ts'
import type { Batch, Family, FamilyStep, FamilyStudy, FamilyTraining } from '../family.ts'
import { applyGradient, initialModel, marginalShares, release, startFrom } from './apply.ts'
import { marginalNorm, marginalSum } from '../marginal-sum.ts'
import { gradientSum, refuseUnfit } from './clipped-sum.ts'
import { autoregressiveGenerator } from './generator.ts'
import { type StudyNetwork, studyNetworkOf } from './study-network.ts'
import { decodeModel, decodeState, encodeState, type TrainingState } from './training-state.ts'

/** The queries, in their order. */
const marginals = 0
const gradient = 1

/**
 * A masked autoregressive network (Germain et al. 2015) trained by DP-SGD (Abadi et al. 2016), its output biases started from noisy
 * 1-way marginals. Columns of many levels are modelled by groups of them: the map follows from the marginals and is announced with
 * the weights.
 */
export const autoregressiveFamily: Family = {
  name: 'autoregressive',

  queries(study) {
    const { block, fine, network, isGrouped } = studyNetworkOf(study)
    return [
      {
        kind: 'marginals',
        dimension: fine.cells,
        clipNorm: marginalNorm(fine),
        samplingRate: 1,
        steps: 1,
        spares: block.spares.marginals,
        share: block.marginals_share,
        announced: network.dimension,
      },
      {
        kind: 'gradient',
        dimension: network.dimension,
        clipNorm: clipNorm(1),
        samplingRate: block.sampling_rate,
        steps: block.steps,
        spares: block.spares.gradient,
        share: null,
        announced: network.dimension + (isGrouped ? fine.cells : 0),
      },
    ]
  },

  clippedSum(study, index, announced, engine) {
    const { fine, network, isGrouped } = studyNetworkOf(study)
    if (index === marginals) {
      refuseUnfit(network, announced)
      return ({ cells, rowsPerUnit, drawn }) => marginalSum(fine, cells, rowsPerUnit, drawn)
    }
    if (index !== gradient) throw new CodedError('ROUND_REFUSED', `the family has no query ${index}`)
    if (!isGrouped) {
      refuseUnfit(network, announced)
      return (batch) =>
        gradientSum(engine, network, announced, batch.cells, clipNorm(1), countsOf(batch, network.layout.sizes.length))
    }
    const params = announced.subarray(0, network.dimension)
    refuseUnfit(network, params)
    const grouping = decodeGrouping(study.columns, network.layout.sizes, announced.subarray(network.dimension))
    return (batch) =>
      gradientSum(
        engine,
        network,
        params,
        coarsen(grouping, batch.cells),
        clipNorm(1),
        countsOf(batch, network.layout.sizes.length),
      )
  },

  initial: (study, seed) => {
    const plan = studyNetworkOf(study)
    const even = new Float64Array(plan.fine.cells).fill(1)
    return new AutoregressiveTraining(study, initialModel(plan.network, seed, levelsBy(study, plan, even)))
  },

  decodeTraining(study, bytes) {
    const state = decodeState(bytes)
    const { fine, network } = studyNetworkOf(study)
    const isFit =
      same(state.network.layout.sizes, network.layout.sizes) &&
      state.network.dimension === network.dimension &&
      state.levels.every((column, j) => (column?.parent.length ?? network.layout.sizes[j]) === fine.sizes[j])
    if (!isFit) throw new CodedError('STATE_CORRUPT', 'the bytes are the training of another study')
    return new AutoregressiveTraining(study, state)
  },

  decodeGenerator: (bytes) => autoregressiveGenerator(decodeModel(bytes)),
}

class AutoregressiveTraining implements FamilyTraining {
  readonly #study: FamilyStudy
  readonly #state: TrainingState

  constructor(study: FamilyStudy, state: TrainingState) {
    this.#study = study
    this.#state = state
  }

  /** The weights, so that a site has agreed to one network from the first round on; where a column is grouped, gradients also need the group of every level. */
  announce({ index }: Pick<FamilyStep, 'index'>): Float32Array {
    const { params, levels } = this.#state
    const { fine, isGrouped } = studyNetworkOf(this.#study)
    if (index === marginals || !isGrouped) return params
    const numbers = new Float32Array(params.length + fine.cells)
    numbers.set(params)
    fine.sizes.forEach((size, j) => {
      for (let level = 0; level < size; level++)
        numbers[params.length + fine.offsets[j]! + level] = levels[j]?.parent[level] ?? level
    })
    return numbers
  }

  async after({ index, within, steps, divisor }: FamilyStep, sum: Float64Array): Promise<FamilyTraining> {
    const state =
      index === marginals
        ? measured(this.#study, this.#state, sum, divisor)
        : applyGradient(this.#state, sum, divisor, within + 1, steps)
    return new AutoregressiveTraining(this.#study, state)
  }

  /** Nothing is left to do. */
  async finish(): Promise<FamilyTraining> {
    return this
  }

  release(): Generator {
    return autoregressiveGenerator(release(this.#state))
  }

  encode(): Uint8Array {
    return encodeState(this.#state)
  }
}

const measured = (study: FamilyStudy, state: TrainingState, sum: Float64Array, divisor: number): TrainingState => {
  const plan = studyNetworkOf(study)
  const shares = marginalShares(plan.fine, sum, divisor)
  if (!plan.isGrouped) return startFrom(state, shares)
  const grouping = groupingOf(study.columns, plan.network.layout.sizes, shares)
  return { ...startFrom(state, coarseShares(grouping, shares)), levels: levelsOf(grouping, shares) }
}

const levelsBy = (study: FamilyStudy, { network, isGrouped }: StudyNetwork, shares: Float64Array) => {
  const { sizes } = network.layout
  return isGrouped ? levelsOf(groupingOf(study.columns, sizes, shares), shares) : sizes.map(() => null)
}

/** Marks of the rows that count. */
const countsOf = ({ cells, counts, drawn }: Batch, columns: number): Uint8Array =>
  counts ?? new Uint8Array(cells.length / columns).fill(1, 0, drawn)

const same = (one: readonly number[], other: readonly number[]) =>
  one.length === other.length && one.every((size, j) => size === other[j])
