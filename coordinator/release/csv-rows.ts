import { createHash } from 'node:crypto'
import { csvField } from '@tributary/shared/csv-field'
import type { Column } from '@tributary/shared/schema/column'
import type { CohortBatch } from '../cohort/cohort.ts'

/** Levels and missing texts that must be quoted; numbers never are. Most columns have none and are written as they are. */
const quotedTexts = (column: Column): ReadonlyMap<string, string> => {
  const texts = [...(column.kind === 'categorical' ? column.levels : []), ...column.missingTexts]
  return new Map(texts.map((text) => [text, csvField(text)] as const).filter(([text, field]) => field !== text))
}

/**
 * The canonical rows of a cohort: CSV (RFC 4180, UTF-8, LF), the study's columns, no mark. Their SHA-256 is equal for equal orders
 * of one model, whatever files are written of them. One batch in memory; time grows with the cells.
 */
export class CsvRows {
  readonly header: string
  readonly #quoted: readonly ReadonlyMap<string, string>[]
  readonly #hash = createHash('sha256')

  constructor(columns: readonly Column[]) {
    this.header = columns.map(({ name }) => csvField(name)).join(',')
    this.#quoted = columns.map(quotedTexts)
    this.#hash.update(`${this.header}\n`)
  }

  /** The batch's records without line ends; each batch once, in order. */
  take(batch: CohortBatch): readonly string[] {
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
    if (lines.length > 0) this.#hash.update(`${lines.join('\n')}\n`)
    return lines
  }

  /** Of the header and all rows taken. Call once. */
  sha256(): string {
    return this.#hash.digest('hex')
  }
}
