import { CodedError } from '@tributary/shared/errors'
import { type Column, encodeAnyCell, encodeCell } from '@tributary/shared/schema/column'
import { parseValue } from '@tributary/shared/schema/numeric'
import type { RawRows } from '../table/raw-rows.ts'
import { type Problem, type ProblemKind, problem } from './problem.ts'

/** Texts remembered per column: every level of most columns, and a bound where a column holds free numbers. */
const mostRemembered = 4096

type CellKind = Extract<
  ProblemKind,
  'missing value' | 'unlisted text' | 'not a number' | 'not a date' | 'outside the bins'
>

interface Encoded {
  readonly code: number
  readonly refusal: CellKind | undefined
}

class ColumnEncoder {
  readonly #column: Column
  readonly #missing: ReadonlySet<string>
  readonly #known = new Map<string | null, Encoded>()
  readonly #refused = new Map<CellKind, { count: number; first: number }>()

  constructor(column: Column) {
    this.#column = column
    this.#missing = new Set(['', ...column.missingTexts])
  }

  /** Writes the codes of one column into row-major `out`: to offset, offset + stride, and so on. `before`: rows already read. */
  encode(texts: readonly (string | null)[], out: Uint16Array, offset: number, stride: number, before: number): void {
    for (let row = 0; row < texts.length; row++) {
      const { code, refusal } = this.#encoded(texts[row]!)
      out[offset + row * stride] = code
      if (refusal !== undefined) this.#refuse(refusal, before + row + 1)
    }
  }

  problems(): Problem[] {
    return [...this.#refused].map(([kind, { count, first }]) => problem(kind, count, this.#column.name, first))
  }

  #refuse(kind: CellKind, row: number): void {
    const seen = this.#refused.get(kind)
    if (seen === undefined) this.#refused.set(kind, { count: 1, first: row })
    else seen.count++
  }

  #encoded(text: string | null): Encoded {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const code = encodeCell(this.#column, text)
    const encoded =
      code >= 0
        ? { code, refusal: undefined }
        : { code: encodeAnyCell(this.#column, text), refusal: this.#refusalOf(text) }
    if (this.#known.size < mostRemembered) this.#known.set(text, encoded)
    return encoded
  }

  #refusalOf(text: string | null): CellKind {
    if (text === null || this.#missing.has(text)) return 'missing value'
    if (this.#column.kind === 'categorical') return 'unlisted text'
    if (parseValue(this.#column, text) !== undefined) return 'outside the bins'
    return this.#column.kind === 'date' ? 'not a date' : 'not a number'
  }
}

/** Its values are this hospital's name, which no table holds. */
export const isFilled = (column: Column): boolean => column.kind === 'categorical' && column.filled_with === 'site'

/** The columns that a hospital's table holds: all but a site column. */
export const tableColumns = (columns: readonly Column[]): readonly Column[] =>
  columns.filter((column) => !isFilled(column))

const siteCode = (column: Column, site: string | undefined): number => {
  const code = site === undefined ? -1 : encodeCell(column, site)
  if (code >= 0) return code
  throw new CodedError('ARGUMENT_INVALID', 'this hospital is not among the levels of the site column', {
    place: { column: column.name },
  })
}

/**
 * Encodes batches by the study's columns. What a column refuses gets its declared fallback code and is counted by kind: the
 * check before approval shows the counts, after approval they change nothing (R10).
 */
export class BatchEncoder {
  /** What has to be read, in the order of the study; a site column is in no table. */
  readonly read: readonly Column[]
  /** Of each column its encoder, or the one code that all its rows have. */
  readonly #columns: readonly (ColumnEncoder | number)[]
  #rows = 0

  /** `site`: this hospital's name, for a site column. Throws `ARGUMENT_INVALID` where such a column does not name it. */
  constructor(columns: readonly Column[], site?: string) {
    this.read = tableColumns(columns)
    this.#columns = columns.map((column) => (isFilled(column) ? siteCode(column, site) : new ColumnEncoder(column)))
  }

  /** Codes of a batch that begins with the columns `read`, row-major: rows x columns of the study. */
  encode(batch: RawRows): Uint16Array {
    const width = this.#columns.length
    const codes = new Uint16Array(batch.rows * width)
    let read = 0
    this.#columns.forEach((column, index) => {
      if (typeof column !== 'number') column.encode(batch.column(read++), codes, index, width, this.#rows)
      else for (let at = index; at < codes.length; at += width) codes[at] = column
    })
    this.#rows += batch.rows
    return codes
  }

  problems(): Problem[] {
    return this.#columns.flatMap((column) => (typeof column === 'number' ? [] : column.problems()))
  }
}
