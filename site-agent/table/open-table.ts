import { CodedError } from '@tributary/shared/errors'
import type { Source } from '@tributary/shared/study/study-schema'
import { readFileHead } from './file-head.ts'
import { type CsvScan, CsvTable, type Table } from './csv-scan.ts'
import { refuseMarkedNames } from './synthetic-mark.ts'
import { tableInvalid } from './table-error.ts'

/** Where a hospital's table lies and how it is written: the manifest's source block, or the site's own. */
export interface SourceDescription extends Source {
  readonly path: string
}

/**
 * A CSV or gzipped CSV file, read anew by each pass; only `columns` are ever loaded, as text, in batches of 2,048 rows. Iterating throws
 * `SOURCE_MISSING`, `CONFIG_INVALID`, `SYNTHETIC_SOURCE_REFUSED` for a release's rows, or `TABLE_INVALID` naming file, line and column asked for: never a value, and never a name
 * that came from the file (a file without a header has patients in its first line). Memory does not grow with the file.
 */
export const openTable = (source: SourceDescription, columns: readonly string[]): Table =>
  new CsvTable(async (): Promise<CsvScan> => {
    refuseMarkedNames(source)
    const { isGzip, fields } = await readFileHead(source.path, source.delimiter)
    return {
      path: source.path,
      isGzip,
      header: source.header,
      delimiter: source.delimiter,
      width: source.header ? fields.length : (source.columns?.length ?? 0),
      wanted: columns.map((name) => ({ name, index: positionOf(source, fields, name) })),
    }
  })

const positionOf = (source: SourceDescription, fields: readonly string[], name: string): number => {
  const names = source.header ? fields : source.columns
  if (names === undefined) {
    throw new CodedError('CONFIG_INVALID', 'a source without a header needs the names of its columns', {
      place: { field: 'source.columns' },
    })
  }
  const line = source.header ? { line: 1 } : {}
  const index = names.indexOf(name)
  if (index < 0) throw tableInvalid(source.path, 'column missing', { ...line, column: name })
  if (names.includes(name, index + 1)) throw tableInvalid(source.path, 'header twice', { ...line, column: name })
  return index
}
