import { levelKey } from '../schema/categorical.ts'
import { type Column, sizeOfColumn } from '../schema/column.ts'
import { decimalsOfColumn, parseValue, ticksOfBin, valueText } from '../schema/numeric.ts'
import type { BinnedSpec, CategoricalSpec } from '../study/study-schema.ts'
import type { Bound, Bounds, Leaf } from './condition-tree.ts'

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
  if (values === null) return { runs: rangeOf(column, numbersOf(column, leaf as Bounds, complain)) }
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
export const spanText = (column: BinnedSpec): string => {
  const decimals = decimalsOfColumn(column)
  const kind =
    column.kind === 'date'
      ? 'days'
      : decimals === 0
        ? 'whole numbers'
        : `${decimals} decimal${decimals === 1 ? '' : 's'}`
  const [from, to] = [column.bins[0]!, column.maximum].map((value) => valueText(column, value))
  return `${column.name} goes from ${from} to ${to}, in ${kind}`
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

const extent = (column: BinnedSpec) => {
  const { from, scale } = ticksOfBin(column, 0)
  return { first: from, last: ticksOfBin(column, column.bins.length - 1).to, scale }
}

/** A bound as the column's number. */
const numberIn = (column: BinnedSpec, value: Bound, index: number, complain: Complain): number => {
  if (column.kind === 'numeric')
    return typeof value === 'number' ? value : complain(`${column.name} is a number`, index)
  const days = typeof value === 'string' ? parseValue(column, value) : undefined
  return days ?? complain(`${column.name} is a date like 2024-02-29`, index)
}

type NumberBounds = { [end in keyof Bounds]: number }

const numbersOf = (column: BinnedSpec, bounds: Bounds, complain: Complain): NumberBounds => {
  const numbers: NumberBounds = {}
  ends.forEach((end, i) => {
    const bound = bounds[end]
    if (bound !== undefined) numbers[end] = numberIn(column, bound, i, complain)
  })
  return numbers
}

const ends = ['at_least', 'above', 'at_most', 'below'] as const

const tickOf = (column: BinnedSpec, value: Bound, index: number, complain: Complain): number | null => {
  const { first, last, scale } = extent(column)
  const wanted = numberIn(column, value, index, complain)
  const tick = Math.round(wanted * scale)
  return tick >= first && tick <= last && tick / scale === wanted ? tick : null
}

/** The ticks whose printed values, tick / scale, lie inside the bounds. */
const rangeOf = (column: BinnedSpec, { at_least, above, at_most, below }: NumberBounds) => {
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
