import type { BinnedSpec } from '../study/column-schema.ts'
import { dateText, parseDate } from './calendar.ts'

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/

/** A finite decimal number, blanks around it ignored; `3`, `3.0` and `.5` are numbers, `0x10`, `NaN` and `1,5` are not. */
export const parseNumber = (text: string): number | undefined => {
  const trimmed = text.trim()
  if (!decimal.test(trimmed)) return undefined
  const value = Number(trimmed)
  return Number.isFinite(value) ? value + 0 : undefined
}

/** The number that a text of this column means: for a date days since 1970-01-01. Undefined for what is none. */
export const parseValue = (column: BinnedSpec, text: string): number | undefined =>
  column.kind === 'date' ? parseDate(text) : parseNumber(text)

/** A value as a source of this column would write it: `2024-02-29` for a date. Inverse of `parseValue`. */
export const valueText = (column: BinnedSpec, value: number): string =>
  column.kind === 'date' ? dateText(value) : String(value + 0)

/** Whether every value is a whole number: dates are. */
export const isWhole = (column: BinnedSpec): boolean => column.kind === 'date' || column.integer

/** Index of the last bin that starts at or below `value`; 0 when all start above. O(log bins). */
export const binOf = ({ bins }: Pick<BinnedSpec, 'bins'>, value: number): number => {
  let low = 0
  let high = bins.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (bins[middle]! <= value) low = middle
    else high = middle
  }
  return low
}

/** Code of a text that is not missing, or undefined where the column refuses it (no value, outside, a fraction). */
export const numericCoder = (column: BinnedSpec): ((text: string) => number | undefined) => {
  const [first = 0] = column.bins
  const whole = isWhole(column)
  return (text) => {
    const value = parseValue(column, text)
    if (value === undefined) return undefined
    const fits = value >= first && value <= column.maximum && (!whole || Number.isInteger(value))
    return fits || column.outside === 'clamp' ? binOf(column, value) : undefined
  }
}

/** The bin nearest to a value that the column refuses; undefined for what is none. */
export const nearestBin = (column: BinnedSpec, text: string): number | undefined => {
  const value = parseValue(column, text)
  return value === undefined ? undefined : binOf(column, value)
}

/** Decimals that `value` is written with: 0.25 has two; at most 12. */
export const decimalsOf = (value: number): number => {
  for (let digits = 0; digits < 12; digits++) if (Number(value.toFixed(digits)) === value) return digits
  return 12
}

/** Decimals of a drawn value: none for whole numbers, else as declared, or as many as the bins themselves show, at least one. */
export const decimalsOfColumn = (column: BinnedSpec): number =>
  column.kind === 'date' || column.integer
    ? 0
    : (column.decimals ?? [...column.bins, column.maximum].reduce((most, edge) => Math.max(most, decimalsOf(edge)), 1))

/** Ticks of a whole column: value = tick / `scale`. The values that bin c prints are ticks `from[c]` to `to[c]`, both included. */
export interface ColumnTicks {
  readonly from: Float64Array
  readonly to: Float64Array
  readonly scale: number
}

const ticks = new WeakMap<BinnedSpec, ColumnTicks>()

/** O(bins) once for each column object. */
export const ticksOf = (column: BinnedSpec): ColumnTicks => {
  const known = ticks.get(column)
  if (known) return known
  const scale = 10 ** decimalsOfColumn(column)
  const from = Float64Array.from(column.bins, (start) => Math.round(start * scale))
  const to = new Float64Array(from.length).fill(Math.round(column.maximum * scale))
  for (let code = 0; code + 1 < to.length; code++) to[code] = from[code + 1]! - 1
  const made = { from, to, scale }
  ticks.set(column, made)
  return made
}

/** The values that bin `code` prints: whole ticks `from` to `to`, both included, over `scale`. */
export const ticksOfBin = (column: BinnedSpec, code: number): { from: number; to: number; scale: number } => {
  const { from, to, scale } = ticksOf(column)
  return { from: from[code]!, to: to[code]!, scale }
}

/** A tick in from .. to, for `uniform` in [0, 1). */
export const tickAt = (from: number, to: number, uniform: number): number =>
  Math.min(from + Math.floor(uniform * (to + 1 - from)), to)

/**
 * A value inside bin `code`: uniform over its grid of `decimalsOfColumn` decimals, the start included, the next start not,
 * the maximum included in the last bin. `uniform` in [0, 1). Encoding it again gives `code`.
 */
export const valueInBin = (column: BinnedSpec, code: number, uniform: number): string => {
  const { from, to, scale } = ticksOfBin(column, code)
  return valueText(column, tickAt(from, to, uniform) / scale)
}

/** `[1, 8)`, `[72, 132]` for the last bin, `3` for a bin of one value; dates as dates. */
export const binName = (column: BinnedSpec, code: number): string => {
  const start = column.bins[code]!
  const next = column.bins[code + 1]
  const text = (value: number) => valueText(column, value)
  if (next === undefined) return start === column.maximum ? text(start) : `[${text(start)}, ${text(column.maximum)}]`
  return isWhole(column) && next === start + 1 ? text(start) : `[${text(start)}, ${text(next)})`
}
