import { type Column, sizeOfColumn } from './column.ts'
import { tickAt, ticksOfBin } from './numeric.ts'
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

/** `cuts`: ticks at which a cell begins, ascending; those at a bin's start or outside the column change nothing. */
export const printedColumn = (column: Column, cuts: readonly number[] = []): PrintedColumn => {
  const size = sizeOfColumn(column)
  const missingCode = column.missing === 'level' ? size - 1 : -1
  if (column.kind === 'categorical') {
    const parent = Uint16Array.from({ length: size }, (_, code) => code)
    return { column, parent, share: new Float64Array(size).fill(1), ticks: null, missingCode }
  }
  const { scale } = ticksOfBin(column, 0)
  const cells: { parent: number; share: number; from: number; to: number }[] = []
  for (let code = 0; code < column.bins.length; code++) {
    const { from, to } = ticksOfBin(column, code)
    const starts = [from, ...cuts.filter((cut) => cut > from && cut <= to)]
    starts.forEach((start, i) => {
      const last = (starts[i + 1] ?? to + 1) - 1
      cells.push({ parent: code, share: (last - start + 1) / (to - from + 1), from: start, to: last })
    })
  }
  if (missingCode >= 0) cells.push({ parent: missingCode, share: 1, from: 0, to: 0 })
  return {
    column,
    parent: Uint16Array.from(cells, ({ parent }) => parent),
    share: Float64Array.from(cells, ({ share }) => share),
    ticks: {
      from: Float64Array.from(cells, ({ from }) => from),
      to: Float64Array.from(cells, ({ to }) => to),
      scale,
    },
    missingCode,
  }
}

/** What cell `cell` prints: a level's text, a number placed by `uniform` in [0, 1), null for missing. */
export const printedValue = (printed: PrintedColumn, cell: number, uniform: () => number): string | number | null => {
  const code = printed.parent[cell]!
  if (code === printed.missingCode) return null
  const { column, ticks } = printed
  if (ticks === null) return column.kind === 'categorical' ? column.levels[code]! : null
  return tickAt(ticks.from[cell]!, ticks.to[cell]!, uniform()) / ticks.scale + 0
}
