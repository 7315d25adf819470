import { constraintsOf } from '@tributary/shared/constraint/check-constraints'
import { columnsOf } from '@tributary/shared/schema/column'
import type { Manifest } from '@tributary/shared/study/study-schema'
import type { SourceDescription } from '../table/open-table.ts'
import { tableColumns } from './batch-encoder.ts'
import { BrokenRules } from './broken-rules.ts'
import { ColumnProfile } from './column-profile.ts'
import { brokenPromise, countRange, type Problem } from './problem.ts'
import { passOver, type RecordsSpec } from './source-pass.ts'
import { unlikeness } from './unlikeness.ts'

/** What a data engineer sees before approving: nothing of it leaves the hospital. */
export interface SourceCheck {
  /** Counts as ranges, for a first look at whether this is the right file. */
  readonly rows: string
  readonly patients: string
  /** Own rows that break a constraint of the study, where it has any; which, in `problems`. */
  readonly breaking?: string
  readonly problems: readonly Problem[]
  /** True when no problem stands in the way of approval. */
  readonly fits: boolean
}

/**
 * The check before approval: the only time that a hospital's rows may be found wanting (R10). Reads the whole table and keeps
 * nothing. What looks unlike the study (other units, codes, spellings) is said first. With `site`, also whether the table keeps
 * what the study promises of that site (R19; assumption A7 of docs/privacy.md). Throws what `openTable` throws.
 */
export const checkSource = async (
  spec: RecordsSpec & Partial<Pick<Manifest, 'sites' | 'constraints'>>,
  source: SourceDescription,
  site?: string,
): Promise<SourceCheck> => {
  const columns = columnsOf(spec, source)
  const profiles = tableColumns(columns).map((column) => new ColumnProfile(column))
  const constraints = constraintsOf(spec)
  const rules = constraints.length > 0 ? new BrokenRules(constraints, columns, site) : undefined
  const described = site === undefined ? spec : { ...spec, site }
  const pass = await passOver(described, source, () => {}, undefined, profiles, rules)
  for (const profile of profiles) profile.finish()
  const found = [...unlikeness(profiles), ...pass.problems, ...(rules?.problems() ?? [])]
  const { rows, patients } = pass
  const promised = spec.sites?.find(({ name }) => name === site)
  const over = [
    {
      what: 'patients',
      count: patients,
      most: spec.privacy.unit === 'patient' ? promised?.promised_patients : undefined,
    },
    { what: 'rows', count: rows, most: promised?.promised_rows },
  ].filter(({ count, most }) => most !== undefined && count > most)
  const problems = over[0]
    ? [
        ...found,
        brokenPromise(
          over.map(({ what }) => what),
          over[0].count,
        ),
      ]
    : found
  return {
    rows: countRange(rows),
    patients: countRange(patients),
    ...(rules !== undefined && { breaking: countRange(rules.rows) }),
    problems,
    fits: problems.every(({ blocks }) => !blocks),
  }
}
