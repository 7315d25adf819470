import { sizeOfColumn } from '@tributary/shared/schema/column'
import { marginalCountNoise } from '@tributary/shared/study/marginal-noise'
import type { Manifest } from '@tributary/shared/study/study-schema'
import type { Generator } from '@tributary/shared/generator/generator'
import type { PrintedColumn } from '@tributary/shared/schema/printed-column'
import type { CellCondition } from '@tributary/shared/synthesizers/cell-condition'
import { holds, lookaheadOf } from '@tributary/shared/synthesizers/condition-lookahead'

/** A condition over cells, and the columns that it names. */
export interface NamedCells {
  readonly printed: readonly PrintedColumn[]
  readonly named: readonly number[]
  readonly cells: CellCondition
}

/**
 * Standard error of a support that comes from the noise of training. A cohort follows the released 1-way marginals, whose noise
 * is public: one summed count has deviation sigma C sqrt(sites / noise shares) where all sites came, since each added its share. A condition on one column adds up the shares of its levels, a cut bin in part; the same amount comes
 * off every count so that the column adds up to all units (norm-sub), which leaves sqrt(sum a^2 - (sum a)^2 / levels) of the
 * deviation, a being the part of each level that meets the condition. Shares are of the promised units (R19).
 * Null for more than one column, or without measured marginals: nothing is known then.
 */
export const supportNoise = (manifest: Manifest, model: Generator, selection: NamedCells): number | null => {
  const [column, ...others] = selection.named
  if (model.marginals === null || column === undefined || others.length > 0) return null
  const noise = marginalCountNoise(manifest, manifest.sites.length)
  if (noise === undefined) return null
  const printed = selection.printed[column]!
  const lookahead = lookaheadOf(selection.cells)
  const row = new Uint16Array(selection.printed.length)
  const levels = sizeOfColumn(printed.column)
  const parts = new Float64Array(levels)
  printed.parent.forEach((level, cell) => {
    row[column] = cell
    if (lookahead.verdict(row, column + 1) === holds) parts[level] = parts[level]! + printed.share[cell]!
  })
  const sum = parts.reduce((a, b) => a + b, 0)
  const squares = parts.reduce((total, part) => total + part * part, 0)
  return (noise.units / noise.divisor) * Math.sqrt(Math.max(squares - (sum * sum) / levels, 0))
}
