import { CodedError } from '../../errors.ts'
import type { Generator } from '../../generator/generator.ts'
import { loadEngine } from '../../tensor/engine.ts'
import type { FamilyStep, FamilyStudy, FamilyTraining, TrainingHealth } from '../family.ts'
import { coarseShares, encodeGrouping, type Grouping, groupingOf, levelsOf } from '../grouping.ts'
import { marginalShares } from '../marginal-shares.ts'
import { type Collapse, collapseText, isCollapsed } from './collapse.ts'
import { type FixedDraws, fixedDraws } from './conditions.ts'
import { ganGenerator } from './generator.ts'
import { forward, initialNet } from './generator-net.ts'
import { type GanPlan, ganPlanOf } from './plan.ts'
import { engineProduct, plainProduct, type Product } from './product.ts'
import { afterGradient } from './round.ts'
import { encodeState, type TrainingState } from './training-state.ts'
import { watched } from './watch.ts'

/** The queries, in their order. */
export const marginals = 0
export const gradient = 1

/** A gan while it is trained. */
export class GanTraining implements FamilyTraining {
  readonly #study: FamilyStudy
  readonly #plan: GanPlan
  readonly #state: TrainingState

  constructor(study: FamilyStudy, state: TrainingState) {
    this.#study = study
    this.#plan = ganPlanOf(study)
    this.#state = state
  }

  /** For gradients the weights of the critic's network, and where a column is grouped the group of every level. */
  announce({ index }: Pick<FamilyStep, 'index'>): Float32Array {
    if (index === marginals) return new Float32Array(0)
    const { critic } = this.#state
    if (!this.#plan.isGrouped) return critic.slice()
    const map = encodeGrouping(this.#grouping())
    const numbers = new Float32Array(critic.length + map.length)
    numbers.set(critic)
    numbers.set(map, critic.length)
    return numbers
  }

  /** The marginals start the generator over: they come once, before any gradient. Seconds for a wide table. */
  async after(step: FamilyStep, sum: Float64Array): Promise<FamilyTraining> {
    const { critic, fine } = this.#plan
    refuseUnfit(sum, step.index === marginals ? fine.cells : critic.dimension)
    if (step.index === marginals) return new GanTraining(this.#study, this.#measured(step, sum))
    return new GanTraining(this.#study, this.#moved(step, sum, await productFor(this.#plan)))
  }

  /** Nothing is left to do. */
  async finish(): Promise<FamilyTraining> {
    return this
  }

  /** The generator at its fixed draws, with the mean of its last weights; the current ones before any were averaged. */
  release(): Generator {
    const { generator: net } = this.#plan
    const { levels, marginals: own } = this.#coarse()
    const draws = this.#draws(own)
    const { shares } = forward(net, this.#weights(own), draws)
    return ganGenerator({ layout: net.layout, shares, weights: draws.weights, marginals: own, levels })
  }

  encode(): Uint8Array {
    return encodeState(this.#state)
  }

  /** Mode collapse of the generator as it stands; null before it was trained. */
  health(): TrainingHealth | null {
    const { rounds } = this.#state
    if (rounds === 0) return null
    const found = this.collapse
    const words = collapseText(
      found,
      this.#study.columns.map(({ name }) => name),
    )
    return { isSound: !isCollapsed(found), words }
  }

  /** Looked for in the generator as it stands: free, fit for logs and reports. */
  get collapse(): Collapse {
    const { marginals: own } = this.#coarse()
    return watched(this.#plan, this.#state, this.#weights(own), this.#draws(own), own)
  }

  #measured(step: FamilyStep, sum: Float64Array): TrainingState {
    const { units, shares } = marginalShares(this.#study.columns, sum, step.noise, step.divisor)
    const measured = { ...this.#state, shares, units, scale: step.divisor / units }
    const own = new GanTraining(this.#study, measured).#coarse().marginals
    return { ...measured, generator: initialNet(this.#plan.generator, own, measured.seed) }
  }

  #moved(step: FamilyStep, sum: Float64Array, product: Product): TrainingState {
    if (this.#state.shares === null) throw new CodedError('ARGUMENT_INVALID', 'a gan is trained after its marginals')
    const { marginals: own } = this.#coarse()
    return afterGradient(this.#plan, this.#state, this.#draws(own), own, step, sum, product)
  }

  #weights(own: Float64Array): Float32Array {
    const { averaged, average, generator, shares, seed } = this.#state
    if (shares === null) return initialNet(this.#plan.generator, own, seed)
    return averaged > 0 ? average : generator
  }

  #draws(own: Float64Array): FixedDraws {
    const { block, generator } = this.#plan
    return fixedDraws(generator.layout, own, block.latents, block.draws, this.#state.seed)
  }

  /** Noisy shares of levels; even ones before any were measured. */
  #shares(): Float64Array {
    const { fine } = this.#plan
    if (this.#state.shares !== null) return this.#state.shares
    return Float64Array.from(fine.sizes.flatMap((size) => Array.from({ length: size }, () => 1 / size)))
  }

  #grouping(): Grouping {
    return groupingOf(this.#study.columns, this.#plan.generator.layout.sizes, this.#shares())
  }

  #coarse() {
    const shares = this.#shares()
    const grouping = this.#grouping()
    return { marginals: coarseShares(grouping, shares), levels: levelsOf(grouping, shares) }
  }
}

/** Multiplications in one product of draws and cells from which an engine is worth its overhead. */
const worthEngine = 2 ** 21

const productFor = async ({ block, generator }: GanPlan): Promise<Product> =>
  block.draws * generator.layout.cells ** 2 < worthEngine ? plainProduct : engineProduct(await loadEngine())

const refuseUnfit = (sum: Float64Array, length: number) => {
  if (sum.length !== length)
    throw new CodedError('AGGREGATE_INVALID', `a sum of ${length} values expected, got ${sum.length}`)
  if (!sum.every(Number.isFinite)) throw new CodedError('AGGREGATE_INVALID', 'the sum is not finite')
}
