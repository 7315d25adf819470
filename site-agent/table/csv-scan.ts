import { type DuckDBConnection, type DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api'
import { CodedError } from '@tributary/shared/errors'
import { RawRows } from './raw-rows.ts'
import { type TableFault, tableInvalid } from './table-error.ts'

/** A line that DuckDB could not cut into the table's columns, without what it holds. */
export interface RejectedLine {
  readonly line: number
  /** A column asked for, where the fault lies in one. */
  readonly column?: string
  readonly fault: TableFault
}

/**
 * One pass over a table, in file order. Lines that do not fit the table's shape are left out and reported by `rejected` after the
 * last batch: at most 1,000 of them, by line, column and kind.
 */
export interface Table extends AsyncIterable<RawRows> {
  rejected(): readonly RejectedLine[]
}

export interface CsvScan {
  readonly path: string
  readonly isGzip: boolean
  readonly header: boolean
  readonly delimiter: string
  /** Fields on every line. */
  readonly width: number
  readonly wanted: readonly { readonly name: string; readonly index: number }[]
}

const mostRejects = 1000

const faultOf: Readonly<Record<string, TableFault>> = {
  'MISSING COLUMNS': 'too few fields',
  'TOO MANY COLUMNS': 'too many fields',
  'UNQUOTED VALUE': 'quoting',
  'LINE SIZE OVER MAXIMUM': 'line length',
  'INVALID ENCODING': 'encoding',
  'INVALID STATE': 'quoting',
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Every column is declared, as text, under a name of ours: DuckDB guesses nothing and never sees a name of the file. */
const queryOf = (scan: CsvScan): string => {
  const columns = Array.from({ length: scan.width }, (_, i) => `'c${i}': 'VARCHAR'`).join(', ')
  const options = [
    'auto_detect = false',
    'all_varchar = true',
    `columns = {${columns}}`,
    `header = ${scan.header}`,
    `delim = ${quoted(scan.delimiter)}`,
    `quote = '"'`,
    `escape = '"'`,
    `compression = ${scan.isGzip ? "'gzip'" : "'none'"}`,
    'strict_mode = true',
    'store_rejects = true',
    `rejects_limit = ${mostRejects}`,
  ]
  const names = scan.wanted.map(({ index }) => `c${index}`).join(', ')
  return `SELECT ${names} FROM read_csv(${quoted(scan.path)}, ${options.join(', ')})`
}

/** Nothing is fetched from a network, whatever a path or a type asks for. */
const settings = { threads: '1', autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' }

/** Reads what `find` describes; `find` looks at the file when the pass begins. */
export class CsvTable implements Table {
  readonly #find: () => Promise<CsvScan>
  #rejected: readonly RejectedLine[] | undefined

  constructor(find: () => Promise<CsvScan>) {
    this.#find = find
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RawRows> {
    this.#rejected = undefined
    const scan = await this.#find()
    const instance = await behindWall(scan, () => DuckDBInstance.create(':memory:', settings))
    const connection = await behindWall(scan, () => instance.connect())
    try {
      const result = await behindWall(scan, () => connection.stream(queryOf(scan)))
      for (;;) {
        const chunk = await behindWall(scan, () => result.fetchChunk())
        if (chunk === null || chunk.rowCount === 0) break
        yield rowsOf(chunk)
      }
      this.#rejected = await behindWall(scan, () => rejectsOf(scan, connection))
    } finally {
      connection.closeSync()
      instance.closeSync()
    }
  }

  rejected(): readonly RejectedLine[] {
    if (this.#rejected === undefined) throw new CodedError('INTERNAL', 'rejected lines are known after the last batch')
    return this.#rejected
  }
}

const rejectsOf = async (scan: CsvScan, connection: DuckDBConnection): Promise<readonly RejectedLine[]> => {
  const result = await connection.run(
    'SELECT line::DOUBLE, column_name, error_type::VARCHAR FROM reject_errors ORDER BY line, column_idx',
  )
  const lines = new Map<number, RejectedLine>()
  for (const [line, ours, type] of await result.getRows()) {
    if (lines.has(Number(line))) continue
    const name = scan.wanted.find(({ index }) => ours === `c${index}`)?.name
    const column = name === undefined ? {} : { column: name }
    lines.set(Number(line), { line: Number(line), ...column, fault: faultOf[String(type)] ?? 'unreadable' })
  }
  return [...lines.values()]
}

/** Whatever DuckDB throws is dropped whole, text, stack and cause, for it quotes the row. */
const behindWall = async <T>({ path }: CsvScan, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    const isState = error instanceof Error && error.message.includes('state machine')
    throw tableInvalid(path, isState ? 'line ends' : 'unreadable')
  }
}

const rowsOf = (chunk: DuckDBDataChunk): RawRows => {
  const columns: (string | null)[][] = []
  for (let index = 0; index < chunk.columnCount; index++) {
    const vector = chunk.getColumnVector(index)
    const texts = new Array<string | null>(chunk.rowCount)
    // Safe because every column was declared VARCHAR.
    for (let row = 0; row < chunk.rowCount; row++) texts[row] = vector.getItem(row) as string | null
    columns.push(texts)
  }
  return new RawRows(chunk.rowCount, columns)
}
