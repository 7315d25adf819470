import { CodedError } from '../../errors.ts'
import { sizeOfColumn } from '../../schema/column.ts'
import { type Layout, layoutOf } from '../cells.ts'
import type { FamilyStudy } from '../family.ts'
import { plannedSizes } from '../grouping.ts'
import { pairLayoutOf } from '../mixture/pair-layout.ts'
import { pairWeights } from '../mixture/pair-weights.ts'
import { type Critic, criticOf } from './critic.ts'
import { type GeneratorNet, generatorNetOf } from './generator-net.ts'
import type { GanBlock } from './schema.ts'

/** What a gan study trains, from public facts alone. */
export interface GanPlan {
  readonly block: GanBlock
  /** The study's levels. */
  readonly fine: Layout
  readonly critic: Critic
  /** Over groups of levels, as the critic. */
  readonly generator: GeneratorNet
  /** Whether some column has fewer groups than levels. */
  readonly isGrouped: boolean
}

/** Throws `ARGUMENT_INVALID` for another family's study, for an outcome that is no column, and for a table whose pairs do not fit even in two groups a column. */
export const ganPlanOf = (study: Pick<FamilyStudy, 'columns' | 'family'>): GanPlan => {
  const { columns, family: block } = study
  if (block.name !== 'gan') throw new CodedError('ARGUMENT_INVALID', 'the study names another family')
  const outcome = columns.findIndex(({ name }) => name === block.outcome)
  if (block.outcome !== undefined && outcome < 0)
    throw new CodedError('ARGUMENT_INVALID', 'the outcome is no column of the study', { place: { field: 'outcome' } })
  const fine = layoutOf(columns.map(sizeOfColumn))
  const layout = layoutOf(sizesWithin(study.columns, block))
  const pairs = pairLayoutOf(layout)
  const worth = pairWeights(pairs, block.pair_exponent, outcome < 0 ? null : outcome, block.outcome_weight)
  return {
    block,
    fine,
    critic: criticOf(pairs, worth, block.critic_hidden, block.pairs_share),
    generator: generatorNetOf(layout, block.latents, block.hidden),
    isGrouped: layout.sizes.some((size, j) => size < fine.sizes[j]!),
  }
}

/** The most groups a column, up to `most_levels`, whose pairs fit: by bisection, for the count grows with them. */
const sizesWithin = (columns: FamilyStudy['columns'], { most_levels, most_pairs }: GanBlock): number[] => {
  const fits = (most: number) => pairCount(plannedSizes(columns, most)) <= most_pairs
  if (fits(most_levels)) return plannedSizes(columns, most_levels)
  let low = 2
  let high = most_levels
  if (!fits(low))
    throw new CodedError('ARGUMENT_INVALID', 'too small for two groups a column', { place: { field: 'most_pairs' } })
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (fits(middle)) low = middle
    else high = middle
  }
  return plannedSizes(columns, low)
}

/** Pairs of levels of two columns: half of (sum squared - sum of squares). */
const pairCount = (sizes: readonly number[]): number => {
  const sum = sizes.reduce((total, size) => total + size, 0)
  return (sum * sum - sizes.reduce((total, size) => total + size * size, 0)) / 2
}
