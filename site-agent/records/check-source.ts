import type { Manifest } from '@tributary/shared/study/study-schema'
import type { SourceDescription } from '../table/open-table.ts'
import { countRange, type Problem, problem } from './problem.ts'
import { passOver, type RecordsSpec } from './source-pass.ts'

/** What a data engineer sees before approving: nothing of it leaves the hospital. */
export interface SourceCheck {
  /** Counts as ranges, for a first look at whether this is the right file. */
  readonly rows: string
  readonly patients: string
  readonly problems: readonly Problem[]
  /** True when no problem stands in the way of approval. */
  readonly fits: boolean
}

/**
 * The check before approval: the only time that a hospital's rows may be found wanting (R10). Reads the whole table and keeps
 * nothing. With `site`, also whether the table keeps what the study promises of that site (R19; assumption A7 of docs/privacy.md).
 * Throws what `openTable` throws.
 */
export const checkSource = async (
  spec: RecordsSpec & Partial<Pick<Manifest, 'sites'>>,
  source: SourceDescription,
  site?: string,
): Promise<SourceCheck> => {
  const pass = await passOver(spec, source, () => {})
  const { rows, patients } = pass
  const promised = spec.sites?.find(({ name }) => name === site)
  const isOver =
    promised !== undefined &&
    (rows > promised.promised_rows || (spec.privacy.unit === 'patient' && patients > promised.promised_patients))
  const problems = isOver ? [...pass.problems, problem('more than promised', Math.max(rows, patients))] : pass.problems
  return {
    rows: countRange(rows),
    patients: countRange(patients),
    problems,
    fits: problems.every(({ blocks }) => !blocks),
  }
}
