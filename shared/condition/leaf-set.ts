import { levelKey } from '../schema/categorical.ts'
import { type Column, sizeOfColumn } from '../schema/column.ts'
import { decimalsOfColumn, ticksOfBin } from '../schema/numeric.ts'
import type { CategoricalSpec, NumericSpec } from '../study/study-schema.ts'
import type { Bounds, Leaf } from './condition-tree.ts'

/** What a condition on one column lets through: codes of levels, runs of ticks (both ends included), never a mixture. */
export type LeafSet =
  | { readonly codes: ReadonlySet<number> }
  | { readonly runs: readonly { readonly from: number; readonly to: number }[] }

/** Called with what is wrong, and with which of the leaf's values. */
export type Complain = (message: string, value: number) => never

/**
 * Cost: levels, or values x decimals. Complains of levels that the column does not have and of texts where it has numbers.
 * Numbers that it never prints, outside or between its values, and ranges that hold none are let through by nothing.
 */
export const leafSet = (column: Column, leaf: Leaf, complain: Complain): LeafSet => {
  if ('missing' in leaf) return { codes: new Set(column.missing === 'level' ? [sizeOfColumn(column) - 1] : []) }
  const values = 'is' in leaf ? [leaf.is] : 'in' in leaf ? leaf.in : null
  if (column.kind === 'categorical') {
    if (values === null) complain(`${column.name} has levels: use = or IN`, 0)
    return { codes: new Set((values ?? []).map((value, i) => levelCode(column, String(value), i, complain))) }
  }
  if (values === null) return { runs: rangeOf(column, leaf as Bounds) }
  return {
    runs: values
      .map((value, i) => tickOf(column, value, i, complain))
      .filter((tick) => tick !== null)
      .map((tick) => ({ from: tick, to: tick })),
  }
}

/** Whether a leaf lets nothing through. */
export const isEmpty = (set: LeafSet): boolean => ('codes' in set ? set.codes.size === 0 : set.runs.length === 0)

/** Which numbers a column prints. */
export const spanText = (column: NumericSpec): string => {
  const decimals = decimalsOfColumn(column)
  const kind = decimals === 0 ? 'whole numbers' : `${decimals} decimal${decimals === 1 ? '' : 's'}`
  return `${column.name} goes from ${column.bins[0]} to ${column.maximum}, in ${kind}`
}

export const levelCode = (column: CategoricalSpec, text: string, value: number, complain: Complain): number => {
  const exact = column.levels.indexOf(text)
  const code =
    exact >= 0 ? exact : column.levels.findIndex((level) => levelKey(column, level) === levelKey(column, text))
  if (code >= 0) return code
  const near = column.levels.find((level) => level.toLowerCase() === text.toLowerCase())
  const hint = near !== undefined ? `did you mean ${near}?` : `it has ${listed(column.levels)}`
  return complain(`${column.name} has no level ${text}: ${hint}`, value)
}

const listed = (names: readonly string[]): string =>
  names.length <= 12 ? names.join(', ') : `${names.slice(0, 10).join(', ')} and ${names.length - 10} more`

const extent = (column: NumericSpec) => {
  const { from, scale } = ticksOfBin(column, 0)
  return { first: from, last: ticksOfBin(column, column.bins.length - 1).to, scale }
}

const tickOf = (column: NumericSpec, value: string | number, index: number, complain: Complain): number | null => {
  const { first, last, scale } = extent(column)
  if (typeof value !== 'number') return complain(`${column.name} is a number`, index)
  const tick = Math.round(value * scale)
  return tick >= first && tick <= last && tick / scale === value ? tick : null
}

/** The ticks whose printed values, tick / scale, lie inside the bounds. */
const rangeOf = (column: NumericSpec, { at_least, above, at_most, below }: Bounds) => {
  const { first, last, scale } = extent(column)
  const isAbove = (tick: number) =>
    (at_least === undefined || tick / scale >= at_least) && (above === undefined || tick / scale > above)
  const isBelow = (tick: number) =>
    (at_most === undefined || tick / scale <= at_most) && (below === undefined || tick / scale < below)
  const from = firstTick(first, last + 1, isAbove)
  const to = firstTick(first, last + 1, (tick) => !isBelow(tick)) - 1
  return from > to ? [] : [{ from, to }]
}

/** The first tick of low .. high at which `reached` holds, as it does ever after; `high` if none. */
const firstTick = (low: number, high: number, reached: (tick: number) => boolean): number => {
  let [from, to] = [low, high]
  while (from < to) {
    const middle = Math.floor((from + to) / 2)
    if (reached(middle)) to = middle
    else from = middle + 1
  }
  return from
}
