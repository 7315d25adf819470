import type { NumericSpec } from '../study/study-schema.ts'

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/

/** A finite decimal number, blanks around it ignored; `3`, `3.0` and `.5` are numbers, `0x10`, `NaN` and `1,5` are not. */
export const parseNumber = (text: string): number | undefined => {
  const trimmed = text.trim()
  if (!decimal.test(trimmed)) return undefined
  const value = Number(trimmed)
  return Number.isFinite(value) ? value + 0 : undefined
}

/** Index of the last bin that starts at or below `value`; 0 when all start above. O(log bins). */
export const binOf = ({ bins }: NumericSpec, value: number): number => {
  let low = 0
  let high = bins.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (bins[middle]! <= value) low = middle
    else high = middle
  }
  return low
}

/** Code of a text that is not missing, or undefined where the column refuses it (no number, outside, a fraction). */
export const numericCoder = (column: NumericSpec): ((text: string) => number | undefined) => {
  const [first = 0] = column.bins
  return (text) => {
    const value = parseNumber(text)
    if (value === undefined) return undefined
    const fits = value >= first && value <= column.maximum && (!column.integer || Number.isInteger(value))
    return fits || column.outside === 'clamp' ? binOf(column, value) : undefined
  }
}

/** The bin nearest to a number that the column refuses; undefined for what is no number. */
export const nearestBin = (column: NumericSpec, text: string): number | undefined => {
  const value = parseNumber(text)
  return value === undefined ? undefined : binOf(column, value)
}

const decimalsOf = (value: number) => {
  for (let digits = 0; digits < 12; digits++) if (Number(value.toFixed(digits)) === value) return digits
  return 12
}

/** Decimals of a drawn value: none for integers, else as many as the bins themselves show, at least one. */
export const decimalsOfColumn = (column: NumericSpec): number =>
  column.integer ? 0 : Math.max(1, ...[...column.bins, column.maximum].map(decimalsOf))

/** The values that bin `code` prints: whole ticks `from` to `to`, both included, over `scale`. */
export const ticksOfBin = (column: NumericSpec, code: number): { from: number; to: number; scale: number } => {
  const scale = 10 ** decimalsOfColumn(column)
  const next = column.bins[code + 1]
  const to = next === undefined ? Math.round(column.maximum * scale) : Math.round(next * scale) - 1
  return { from: Math.round(column.bins[code]! * scale), to, scale }
}

/** A tick in from .. to, for `uniform` in [0, 1). */
export const tickAt = (from: number, to: number, uniform: number): number =>
  Math.min(from + Math.floor(uniform * (to + 1 - from)), to)

/**
 * A value inside bin `code`: uniform over its grid of `decimalsOfColumn` decimals, the start included, the next start not,
 * the maximum included in the last bin. `uniform` in [0, 1). Encoding it again gives `code`.
 */
export const valueInBin = (column: NumericSpec, code: number, uniform: number): string => {
  const { from, to, scale } = ticksOfBin(column, code)
  return String(tickAt(from, to, uniform) / scale + 0)
}

/** `[1, 8)`, `[72, 132]` for the last bin, `3` for a bin of one value. */
export const binName = (column: NumericSpec, code: number): string => {
  const start = column.bins[code]!
  const next = column.bins[code + 1]
  if (next === undefined) return start === column.maximum ? String(start) : `[${start}, ${column.maximum}]`
  return column.integer && next === start + 1 ? String(start) : `[${start}, ${next})`
}
