import { CodedError } from '../../errors.ts'
import { sizeOfColumn } from '../../schema/column.ts'
import { type Layout, layoutOf } from '../cells.ts'
import type { FamilyStudy } from '../family.ts'
import { plannedSizes } from '../grouping.ts'
import { type PairLayout, pairLayoutOf } from './pair-layout.ts'
import type { MixtureSettings } from './schema.ts'

/** What a study's public facts make of a mixture. */
export interface StudyMixture {
  readonly settings: MixtureSettings
  readonly fine: Layout
  /** Planned groups of each column; a named outcome has all its levels, unless its groups are listed. */
  readonly sizes: readonly number[]
  readonly pairs: PairLayout
  /** Number of the outcome's column, null without one. */
  readonly outcome: number | null
}

const known = new WeakMap<FamilyStudy, StudyMixture>()

/** Throws `ARGUMENT_INVALID` for settings that do not fit the columns. */
export const studyMixtureOf = (study: FamilyStudy): StudyMixture => {
  const found = known.get(study)
  if (found) return found
  const { columns, family } = study
  if (family.name !== 'mixture') throw new CodedError('ARGUMENT_INVALID', 'the study is of another family')
  const place = columns.findIndex(({ name }) => name === family.outcome)
  if (family.outcome !== undefined && place < 0)
    throw new CodedError('ARGUMENT_INVALID', 'the outcome is no column of the study', { place: { field: 'outcome' } })
  const outcome = place < 0 ? null : place
  const fine = layoutOf(columns.map(sizeOfColumn))
  const planned = plannedSizes(columns, family.most_groups)
  const isListed = typeof family.most_groups !== 'number'
  const sizes = planned.map((size, j) => (j === outcome && !isListed ? fine.sizes[j]! : size))
  const made = { settings: family, fine, sizes, pairs: pairLayoutOf(layoutOf(sizes)), outcome }
  known.set(study, made)
  return made
}
