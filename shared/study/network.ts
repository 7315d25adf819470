import { settingsOf } from '../dp/query-facts.ts'
import { layoutOfColumns } from '../schema/column.ts'
import { type Network, networkOf } from '../synthesizers/autoregressive/network.ts'
import { layoutOf } from '../synthesizers/cells.ts'
import type { Manifest } from './study-schema.ts'

const known = new WeakMap<object, Network>()

/** The network that a study's columns and family settings describe; built once for each manifest object. */
export const networkOfStudy = (study: Pick<Manifest, 'columns' | 'family'>): Network => {
  const built = known.get(study) ?? networkOf(layoutOf(layoutOfColumns(study.columns).sizes), settingsOf(study.family))
  known.set(study, built)
  return built
}
