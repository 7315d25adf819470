import { type Column, encodeAnyCell, encodeCell } from '@tributary/shared/schema/column'
import { parseNumber } from '@tributary/shared/schema/numeric'
import type { RawRows } from '../table/raw-rows.ts'
import { type Problem, type ProblemKind, problem } from './problem.ts'

/** Texts remembered per column: every level of most columns, and a bound where a column holds free numbers. */
const mostRemembered = 4096

type CellKind = Extract<ProblemKind, 'missing value' | 'unlisted text' | 'not a number' | 'outside the bins'>

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
    return parseNumber(text) === undefined ? 'not a number' : 'outside the bins'
  }
}

/**
 * Encodes batches by the study's columns. What a column refuses gets its declared fallback code and is counted by kind: the
 * check before approval shows the counts, after approval they change nothing (R10).
 */
export class BatchEncoder {
  readonly #columns: readonly ColumnEncoder[]
  #rows = 0

  constructor(columns: readonly Column[]) {
    this.#columns = columns.map((column) => new ColumnEncoder(column))
  }

  /** Codes of the batch's first columns, row-major: rows x columns. */
  encode(batch: RawRows): Uint16Array {
    const width = this.#columns.length
    const codes = new Uint16Array(batch.rows * width)
    this.#columns.forEach((column, index) => column.encode(batch.column(index), codes, index, width, this.#rows))
    this.#rows += batch.rows
    return codes
  }

  problems(): Problem[] {
    return this.#columns.flatMap((column) => column.problems())
  }
}
