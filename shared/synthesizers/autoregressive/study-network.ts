import { CodedError } from '../../errors.ts'
import { layoutOfColumns } from '../../schema/column.ts'
import type { FamilyStudy } from '../family.ts'
import { type Layout, layoutOf } from '../cells.ts'
import { plannedSizes } from '../grouping.ts'
import { type Network, networkOf } from './network.ts'
import type { AutoregressiveBlock } from './schema.ts'
import type { AutoregressiveSettings } from './settings.ts'

type Facts = Pick<FamilyStudy, 'columns' | 'family'>

/** What a study's public facts fix of its network. */
export interface StudyNetwork {
  readonly block: AutoregressiveBlock
  /** The study's levels. */
  readonly fine: Layout
  /** Over the planned groups of levels. */
  readonly network: Network
  /** Some column has fewer groups than levels. */
  readonly isGrouped: boolean
}

/** The family block as the network takes it. */
export const settingsOf = (family: AutoregressiveBlock): AutoregressiveSettings => ({
  hidden: family.hidden,
  learningRate: family.learning_rate,
  averagedShare: family.averaged_share,
  marginalShare: family.marginals_share,
})

/** The block of an autoregressive study. Throws `ARGUMENT_INVALID` for one of another family. */
export const networkBlock = ({ family }: Pick<FamilyStudy, 'family'>): AutoregressiveBlock => {
  if (family.name !== 'autoregressive') throw new CodedError('ARGUMENT_INVALID', 'the study has another family')
  return family
}

const known = new WeakMap<object, StudyNetwork>()

/** Built once for each study object. Throws `ARGUMENT_INVALID` for a study of another family. */
export const studyNetworkOf = (study: Facts): StudyNetwork => {
  const built = known.get(study)
  if (built !== undefined) return built
  const block = networkBlock(study)
  const fine = layoutOf(layoutOfColumns(study.columns).sizes)
  const sizes = plannedSizes(study.columns, block.most_levels)
  const isGrouped = sizes.some((size, j) => size !== fine.sizes[j])
  const made = { block, fine, network: networkOf(layoutOf(sizes), settingsOf(block)), isGrouped }
  known.set(study, made)
  return made
}

/** The network that a study's columns and family settings describe. Throws as `studyNetworkOf`. */
export const networkOfStudy = (study: Facts): Network => studyNetworkOf(study).network
