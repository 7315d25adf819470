import { basename } from 'node:path'
import { CodedError } from '@tributary/shared/errors'

/** What can be wrong with a file, in our words alone: DuckDB's and zlib's texts may quote the row and go nowhere. */
export const tableFaults = {
  empty: 'the file is empty',
  encoding: 'not UTF-8 text; save the file as UTF-8',
  utf16: 'UTF-16 text; save the file as UTF-8',
  binary: 'not a text file',
  parquet: 'a Parquet file: only CSV, or CSV compressed by gzip, is read',
  gzip: 'the gzip file is damaged or cut short',
  header: 'the first line does not name the columns',
  'header twice': 'two columns have this name',
  'column missing': 'no column has this name',
  'too few fields': 'the line has fewer fields than the table has columns',
  'too many fields': 'the line has more fields than the table has columns',
  quoting: 'a quote is not closed or stands inside a field',
  'line length': 'the line is longer than 2,000,000 bytes',
  'line ends': 'line ends of more than one kind, or a quote that is not closed',
  unreadable: 'the file cannot be read as a table',
} as const

export type TableFault = keyof typeof tableFaults

/** Where a fault was found: `column` is a name that the study asked for, never one read from the file. */
export interface FaultPlace {
  readonly line?: number
  readonly column?: string
}

/** `TABLE_INVALID` with the fault's own words and place, and no cause. */
export const tableInvalid = (path: string, fault: TableFault, place: FaultPlace = {}): CodedError =>
  new CodedError('TABLE_INVALID', tableFaults[fault], { place: { file: basename(path), ...place } })
