import { CodedError } from '../errors.ts'
import type { ColumnSpec, Manifest, Source } from '../study/study-schema.ts'
import { categoricalCoder } from './categorical.ts'
import { binName, nearestBin, numericCoder, valueInBin } from './numeric.ts'

/** A modelled column with the texts that stand for missing in its source: all that encoding needs. */
export type Column = ColumnSpec & { readonly missingTexts: readonly string[] }

/** The study's columns in the model's order, read from `source` (a site may describe its own file). */
export const columnsOf = (
  study: Pick<Manifest, 'columns' | 'source'>,
  source: Source = study.source,
): readonly Column[] => study.columns.map((column) => ({ ...column, missingTexts: source.missing }))

/** Levels or bins, and one more where missing is a level: its code is the last. */
export const sizeOfColumn = (column: ColumnSpec): number =>
  (column.kind === 'categorical' ? column.levels.length : column.bins.length) + (column.missing === 'level' ? 1 : 0)

export const layoutOfColumns = (columns: readonly ColumnSpec[]): { sizes: number[] } => ({
  sizes: columns.map(sizeOfColumn),
})

const coders = new WeakMap<Column, (text: string | null) => number>()

const coderOf = (column: Column): ((text: string | null) => number) => {
  const known = coders.get(column)
  if (known) return known
  const missingCode = column.missing === 'level' ? sizeOfColumn(column) - 1 : -1
  const texts = new Set(['', ...column.missingTexts])
  const code = column.kind === 'categorical' ? categoricalCoder(column) : numericCoder(column)
  const coder = (text: string | null) => (text === null || texts.has(text) ? missingCode : (code(text) ?? -1))
  coders.set(column, coder)
  return coder
}

/**
 * Code of a cell, or -1 when the column refuses it: missing (null, empty or a declared text) without a level for it, an
 * unlisted text, no number, a number outside the bins. What is refused is reported before a study is approved. O(log bins).
 */
export const encodeCell = (column: Column, text: string | null): number => coderOf(column)(text)

/**
 * Code of a cell, always: after approval nothing is refused any more, for a refusal would tell about one patient (R10). What
 * `encodeCell` refuses becomes the missing level if there is one, else the nearest bin for a number, else the first level.
 */
export const encodeAnyCell = (column: Column, text: string | null): number => {
  const code = encodeCell(column, text)
  if (code >= 0) return code
  const near = column.kind !== 'categorical' && text !== null ? nearestBin(column, text) : undefined
  return near ?? (column.missing === 'level' ? sizeOfColumn(column) - 1 : 0)
}

/** A text for `code`; `uniform` in [0, 1) places a number inside its bin. Throws `ARGUMENT_INVALID` outside the column. */
export const decodeCell = (column: Column, code: number, uniform: number): string => {
  if (isMissing(column, code)) return column.missingTexts[0] ?? ''
  return column.kind === 'categorical' ? column.levels[code]! : valueInBin(column, code, uniform)
}

/** What a report calls a code. Throws `ARGUMENT_INVALID` outside the column. */
export const levelName = (column: ColumnSpec, code: number): string => {
  if (isMissing(column, code)) return '(missing)'
  return column.kind === 'categorical' ? column.levels[code]! : binName(column, code)
}

const isMissing = (column: ColumnSpec, code: number): boolean => {
  const size = sizeOfColumn(column)
  if (!Number.isInteger(code) || code < 0 || code >= size)
    throw new CodedError('ARGUMENT_INVALID', `code must be 0 to ${size - 1}`, { place: { column: column.name } })
  return column.missing === 'level' && code === size - 1
}
