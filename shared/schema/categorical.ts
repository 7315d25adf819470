import type { CategoricalSpec } from '../study/study-schema.ts'
import { parseNumber } from './numeric.ts'

/** Text of a level as compared: exact, or the shortest form of its number (`1.0` and `1` are one level). */
export const levelKey = (column: CategoricalSpec, text: string): string => {
  if (!column.numeric_text) return text
  const value = parseNumber(text)
  return value === undefined ? text : String(value)
}

/** Code of a text that is not missing, or undefined where the column refuses it. O(1) after the first call's map. */
export const categoricalCoder = (column: CategoricalSpec): ((text: string) => number | undefined) => {
  const codes = new Map(column.levels.map((level, code) => [levelKey(column, level), code]))
  const other = column.other === 'refuse' ? undefined : codes.get(levelKey(column, column.other))
  return (text) => codes.get(text) ?? codes.get(levelKey(column, text)) ?? other
}
