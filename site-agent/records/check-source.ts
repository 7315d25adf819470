import type { SourceDescription } from '../table/open-table.ts'
import { countRange, type Problem } from './problem.ts'
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
 * nothing. Throws what `openTable` throws.
 */
export const checkSource = async (spec: RecordsSpec, source: SourceDescription): Promise<SourceCheck> => {
  const { rows, patients, problems } = await passOver(spec, source, () => {})
  return {
    rows: countRange(rows),
    patients: countRange(patients),
    problems,
    fits: problems.every(({ blocks }) => !blocks),
  }
}
