import { createHash } from 'node:crypto'
import type { Column } from '@tributary/shared/schema/column'
import { markColumn } from '@tributary/shared/synthetic-mark'
import type { CohortBatch } from '../cohort/cohort.ts'
import type { ReleaseFile } from './release-file.ts'

/** Fields that hold the delimiter, a quote or a line break are quoted (RFC 4180). */
const needsQuotes = /[",\r\n]/
const field = (text: string): string => (needsQuotes.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** Levels and missing texts that must be quoted; numbers never are. Most columns have none and are written as they are. */
const quotedTexts = (column: Column): ReadonlyMap<string, string> => {
  const texts = [...(column.kind === 'categorical' ? column.levels : []), ...column.missingTexts]
  return new Map(texts.filter((text) => needsQuotes.test(text)).map((text) => [text, field(text)]))
}

/**
 * A cohort as CSV (RFC 4180, UTF-8, LF): the study's columns, then the mark column with the release's id in every row. No line of
 * comment, which would break most readers. One batch in memory; time grows with the cells.
 */
export class CsvWriter {
  readonly #file: ReleaseFile
  readonly #quoted: readonly ReadonlyMap<string, string>[]
  readonly #mark: string
  readonly #rows = createHash('sha256')

  private constructor(file: ReleaseFile, columns: readonly Column[], releaseId: string) {
    this.#file = file
    this.#quoted = columns.map(quotedTexts)
    this.#mark = releaseId
  }

  /** Writes the header. */
  static async start(file: ReleaseFile, columns: readonly Column[], releaseId: string): Promise<CsvWriter> {
    const writer = new CsvWriter(file, columns, releaseId)
    await writer.#write([columns.map(({ name }) => field(name)).join(',')], markColumn)
    return writer
  }

  async add(batch: CohortBatch): Promise<void> {
    const lines = new Array<string>(batch.rows)
    for (let row = 0; row < batch.rows; row++) {
      let line = ''
      for (let column = 0; column < this.#quoted.length; column++) {
        const text = batch.text(row, column)
        const quoted = this.#quoted[column] as ReadonlyMap<string, string>
        line += `${column === 0 ? '' : ','}${quoted.size === 0 ? text : (quoted.get(text) ?? text)}`
      }
      lines[row] = line
    }
    await this.#write(lines, this.#mark)
  }

  /** SHA-256 of the file as it would be without the mark column: equal for equal orders of one model. Call once. */
  rowsSha256(): string {
    return this.#rows.digest('hex')
  }

  async #write(lines: readonly string[], mark: string): Promise<void> {
    if (lines.length === 0) return
    this.#rows.update(`${lines.join('\n')}\n`)
    await this.#file.write(Buffer.from(`${lines.join(`,${mark}\n`)},${mark}\n`))
  }
}
