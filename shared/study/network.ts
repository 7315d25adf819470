import { layoutOfColumns } from '../schema/column.ts'
import { layoutOf } from '../synthesizers/cells.ts'
import { type Network, networkOf } from '../synthesizers/autoregressive/network.ts'
import type { AutoregressiveSettings } from '../synthesizers/autoregressive/settings.ts'
import type { Manifest } from './study-schema.ts'

type Facts = Pick<Manifest, 'columns' | 'family'>

export const settingsOfStudy = ({ family }: Facts): AutoregressiveSettings => ({
  hidden: family.hidden,
  learningRate: family.learning_rate,
  averagedShare: family.averaged_share,
  marginalShare: family.marginals_share,
})

/** The network that a study's columns and family settings describe. */
export const networkOfStudy = (study: Facts): Network =>
  networkOf(layoutOf(layoutOfColumns(study.columns).sizes), settingsOfStudy(study))
