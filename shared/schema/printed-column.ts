import { type Column, sizeOfColumn } from './column.ts'
import { dateText } from './calendar.ts'
import { tickAt, ticksOf } from './numeric.ts'
import type { ColumnCells } from '../synthesizers/cell-condition.ts'

/**
 * A column as a cohort prints it, cut into cells. Without cuts a cell is a level or a bin. A cell of a number is a run of
 * ticks, `from[c]` to `to[c]`, both included, over `scale`; every tick of a cell is equally likely.
 */
export interface PrintedColumn extends ColumnCells {
  readonly column: Column
  /** Null for a categorical column. */
  readonly ticks: { readonly from: Float64Array; readonly to: Float64Array; readonly scale: number } | null
  /** The level that stands for missing, -1 without one. */
  readonly missingCode: number
}

/** `cuts`: ticks at which a cell begins, ascending; those at a bin's start or outside the column change nothing. O(cells). */
export const printedColumn = (column: Column, cuts: readonly number[] = []): PrintedColumn => {
  const size = sizeOfColumn(column)
  const missingCode = column.missing === 'level' ? size - 1 : -1
  if (column.kind === 'categorical') {
    const parent = Uint16Array.from({ length: size }, (_, code) => code)
    return { column, parent, share: new Float64Array(size).fill(1), ticks: null, missingCode }
  }
  const bins = ticksOf(column)
  const [parent, share, from, to]: [number[], number[], number[], number[]] = [[], [], [], []]
  const add = (code: number, part: number, first: number, last: number) => {
    parent.push(code)
    share.push(part)
    from.push(first)
    to.push(last)
  }
  let next = 0
  for (let code = 0; code < column.bins.length; code++) {
    const [low, high] = [bins.from[code]!, bins.to[code]!]
    let start = low
    for (; next < cuts.length && cuts[next]! <= high; next++) {
      const cut = cuts[next]!
      if (cut <= start) continue
      add(code, (cut - start) / (high - low + 1), start, cut - 1)
      start = cut
    }
    add(code, (high - start + 1) / (high - low + 1), start, high)
  }
  if (missingCode >= 0) add(missingCode, 1, 0, 0)
  return {
    column,
    parent: Uint16Array.from(parent),
    share: Float64Array.from(share),
    ticks: { from: Float64Array.from(from), to: Float64Array.from(to), scale: bins.scale },
    missingCode,
  }
}

/**
 * The printed cells as parts of what a generator models: `levels` are its `levels` for this column, null where it models levels
 * themselves. The shares of a group's cells add up to 1. O(cells).
 */
export const generatorCells = ({ parent, share }: PrintedColumn, levels: ColumnCells | null): ColumnCells =>
  levels === null
    ? { parent, share }
    : {
        parent: parent.map((level) => levels.parent[level]!),
        share: share.map((part, cell) => part * levels.share[parent[cell]!]!),
      }

/** What cell `cell` prints: a level's text or a date's, a number placed by `uniform` in [0, 1), null for missing. */
export const printedValue = (printed: PrintedColumn, cell: number, uniform: () => number): string | number | null => {
  const code = printed.parent[cell]!
  if (code === printed.missingCode) return null
  const { column, ticks } = printed
  if (ticks === null) return column.kind === 'categorical' ? column.levels[code]! : null
  const value = tickAt(ticks.from[cell]!, ticks.to[cell]!, uniform()) / ticks.scale + 0
  return column.kind === 'date' ? dateText(value) : value
}
