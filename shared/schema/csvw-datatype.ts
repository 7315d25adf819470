import type { ColumnSpec } from '../study/column-schema.ts'
import { dateText } from './calendar.ts'

/** A column's datatype in CSVW (W3C, Metadata Vocabulary for Tabular Data, 2015): what a reader may rely on. */
export const csvwDatatype = (column: ColumnSpec): Record<string, string | number> => {
  if (column.kind === 'categorical') return { base: 'string' }
  const [minimum, maximum] = [column.bins[0]!, column.maximum]
  if (column.kind === 'date') return { base: 'date', minimum: dateText(minimum), maximum: dateText(maximum) }
  return { base: column.integer ? 'integer' : 'number', minimum, maximum }
}
