import { parseDate } from '@tributary/shared/schema/calendar'
import type { Column } from '@tributary/shared/schema/column'
import { digitalSourceType, markColumn, parquetMarks } from '@tributary/shared/synthetic-mark'
import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer'
import type { CohortBatch } from '../cohort/cohort.ts'
import type { ReleaseFile } from './release-file.ts'

/** Cells of a row group: what is held in memory, some 8 bytes each, and what a reader must read at once. */
const groupCells = 2 ** 21
const mostGroupRows = 2 ** 17
const leastGroupRows = 2 ** 10

/** A row group's encoded bytes wait here; the library asks for `flush` after each, and leaves the footer to its caller. */
class FileWriter extends ByteWriter {
  readonly #file: ReleaseFile

  constructor(file: ReleaseFile) {
    super(2 ** 20)
    this.#file = file
  }

  async flush(): Promise<void> {
    await this.#file.write(this.getBytes())
    this.index = 0
  }
}

const isInt32 = (column: Column): boolean =>
  column.kind === 'numeric' && column.integer && (column.bins[0] as number) >= -(2 ** 31) && column.maximum < 2 ** 31

const date = { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } } as const
const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const

/** Levels are strings; whole numbers INT32 where they fit; other numbers DOUBLE; dates DATE; a column that may be missing is optional. */
const elementOf = (column: Column): SchemaElement => ({
  name: column.name,
  repetition_type: column.missing === 'level' ? 'OPTIONAL' : 'REQUIRED',
  ...physicalOf(column),
})

const physicalOf = (column: Column): Omit<SchemaElement, 'name'> => {
  if (column.kind === 'categorical') return text
  return column.kind === 'date' ? date : { type: isInt32(column) ? 'INT32' : 'DOUBLE' }
}

/** Who made the rows: goes into the footer. */
export interface ParquetFacts {
  readonly releaseId: string
  readonly generator: string
  /** SHA-256 of the order. */
  readonly order: string
}

/**
 * A cohort as Parquet, row group by row group: typed columns, dictionaries where they halve a column, Snappy, the mark column
 * last and the marks in the footer. Bytes are a function of columns, cells and facts alone: groups do not follow the batches.
 * Holds one row group, about 2 million cells.
 */
export class ParquetCohort {
  readonly #writer: FileWriter
  readonly #parquet: ParquetWriter
  readonly #names: readonly string[]
  readonly #isDate: readonly boolean[]
  readonly #mark: string
  readonly #groupRows: number
  #cells: (string | number | null)[][]
  #rows = 0

  constructor(file: ReleaseFile, columns: readonly Column[], facts: ParquetFacts) {
    this.#names = columns.map(({ name }) => name)
    this.#isDate = columns.map(({ kind }) => kind === 'date')
    this.#mark = facts.releaseId
    const fitting = Math.floor(groupCells / (columns.length + 1))
    this.#groupRows = Math.max(leastGroupRows, Math.min(mostGroupRows, fitting))
    this.#cells = columns.map(() => [])
    this.#writer = new FileWriter(file)
    this.#parquet = new ParquetWriter({
      writer: this.#writer,
      schema: [
        { name: 'cohort', num_children: columns.length + 1 },
        ...columns.map(elementOf),
        { name: markColumn, repetition_type: 'REQUIRED', ...text },
      ],
      createdBy: 'tributary (hyparquet-writer)',
      kvMetadata: [
        { key: parquetMarks.synthetic, value: 'true' },
        { key: parquetMarks.release, value: facts.releaseId },
        { key: parquetMarks.generator, value: facts.generator },
        { key: parquetMarks.order, value: facts.order },
        { key: parquetMarks.sourceType, value: digitalSourceType },
      ],
    })
  }

  async add(batch: CohortBatch): Promise<void> {
    for (let from = 0; from < batch.rows; ) {
      const to = Math.min(batch.rows, from + this.#groupRows - this.#rows)
      this.#cells.forEach((cells, column) => {
        const isDate = this.#isDate[column]
        for (let row = from; row < to; row++) {
          const value = batch.value(row, column)
          cells.push(isDate && typeof value === 'string' ? (parseDate(value) ?? null) : value)
        }
      })
      this.#rows += to - from
      from = to
      if (this.#rows === this.#groupRows) await this.#writeGroup()
    }
  }

  /** Writes what is left and the footer. */
  async finish(): Promise<void> {
    if (this.#rows > 0) await this.#writeGroup()
    await this.#parquet.finish()
    await this.#writer.flush()
  }

  async #writeGroup(): Promise<void> {
    const marks = new Array<string>(this.#rows).fill(this.#mark)
    await this.#parquet.write({
      columnData: [
        ...this.#cells.map((data, column) => ({ name: this.#names[column] as string, data })),
        { name: markColumn, data: marks },
      ],
      rowGroupSize: this.#rows,
    })
    this.#cells = this.#cells.map(() => [])
    this.#rows = 0
  }
}
