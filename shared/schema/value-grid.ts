import type { ValueGrid } from '../study/column-schema.ts'
import { decimalsOf } from './numeric.ts'

/** Bins that a grid stands for. `decimals`: what they were rounded to. */
export interface GridBins {
  readonly bins: number[]
  readonly maximum: number
  readonly decimals: number
}

const mostDecimals = 9

/**
 * Bins of a public grid. linear: of equal width. log: of equal ratio; where it begins at 0, the first bin holds everything below
 * the first tick (1 for integers, else 10^-decimals). `decimals` undefined: as few as tell the edges apart with two values in each
 * bin. Edges that round to one value are one bin, so that there may be fewer than asked. Rounded decimals, so that the same file
 * gives the same bins on every machine. The grid must have passed `gridFault`. Grows with the cells.
 */
export const gridBins = (grid: ValueGrid, decimals: number | undefined): GridBins => {
  const { from, to } = grid
  const exact = exactEdges(grid, decimals)
  const narrowest = exact.reduce((least, edge, i) => Math.min(least, (exact[i + 1] ?? to) - edge), to - from)
  const digits = decimals ?? Math.min(mostDecimals, Math.max(...[from, to].map(decimalsOf), digitsFor(narrowest / 2)))
  const rounded = exact.map((edge) => Number(edge.toFixed(digits)) + 0)
  const bins = rounded.filter((edge, i) => i === 0 || (edge > rounded[i - 1]! && (edge < to || digits === decimals)))
  return { bins: bins.filter((edge) => edge <= to), maximum: to, decimals: digits }
}

/** What is wrong with a grid, or undefined. `decimals` as for `gridBins`. */
export const gridFault = ({ from, to, scale }: ValueGrid, decimals: number | undefined): string | undefined => {
  if (!(from < to)) return 'from must be below to'
  if (decimals !== undefined && [from, to].some((end) => decimalsOf(end) > decimals))
    return `from and to must have at most ${decimals} decimals`
  if (scale === 'linear' || from > 0) return undefined
  if (from < 0) return 'scale log needs a from of 0 or more'
  return decimals === undefined
    ? 'scale log from 0 needs integer or decimals: what is the smallest value above 0?'
    : undefined
}

const digitsFor = (width: number): number => Math.max(0, Math.ceil(-Math.log10(width)))

const exactEdges = ({ from, to, cells, scale }: ValueGrid, decimals: number | undefined): number[] => {
  if (scale === 'linear') {
    const tick = 10 ** -(decimals ?? mostDecimals)
    // As many cells as values: each value is a bin.
    const end = decimals !== undefined && Math.round((to - from) / tick) < cells ? to + tick : to
    const count = end === to ? cells : Math.round((end - from) / tick)
    return Array.from({ length: count }, (_, i) => from + ((end - from) * i) / count)
  }
  const least = from > 0 ? from : 10 ** -(decimals ?? 0)
  const count = from > 0 ? cells : cells - 1
  const above = Array.from({ length: count }, (_, i) => least * (to / least) ** (i / count))
  return from > 0 ? above : [from, ...above]
}
