import { CodedError } from '@tributary/shared/errors'
import { type Column, sizeOfColumn } from '@tributary/shared/schema/column'
import { correctedCramersV } from './association.ts'

/** What is counted of a batch: `rows` rows of codes, row-major, in the study's columns. A `CohortBatch` is one. */
interface CountedRows {
  readonly rows: number
  readonly codes: Uint16Array
}

/** Pairs are counted among the first columns only, as far as their tables fit: 64 MiB, and 2,016 pairs a row. */
const mostPairedColumns = 64
const mostPairCells = 2 ** 24

/**
 * 1-way and 2-way counts of a cohort, built batch by batch: memory is the sum of the pairs' tables whatever the number of rows,
 * cost O(rows x pairs). Columns beyond the limits above have counts but no pairs.
 */
export class CohortTally {
  readonly columns: readonly Column[]
  /** Columns whose pairs are counted: the first so many. */
  readonly paired: number
  readonly #sizes: readonly number[]
  readonly #counts: readonly Float64Array[]
  /** Table of columns (i, j), i < j: size i x size j from `#starts[i * paired + j]`. */
  readonly #pairs: Uint32Array
  readonly #starts: Int32Array
  #rows = 0

  constructor(columns: readonly Column[]) {
    this.columns = columns
    this.#sizes = columns.map(sizeOfColumn)
    this.#counts = this.#sizes.map((size) => new Float64Array(size))
    let cells = 0
    let paired = 0
    for (let before = 0; paired < Math.min(columns.length, mostPairedColumns); paired++) {
      const size = this.#sizes[paired]!
      if (cells + before * size > mostPairCells) break
      cells += before * size
      before += size
    }
    this.paired = paired
    this.#pairs = new Uint32Array(cells)
    this.#starts = new Int32Array(paired * paired)
    for (let i = 0, next = 0; i < paired; i++)
      for (let j = i + 1; j < paired; j++) {
        this.#starts[i * paired + j] = next
        next += this.#sizes[i]! * this.#sizes[j]!
      }
  }

  get rows(): number {
    return this.#rows
  }

  /** Throws `ARGUMENT_INVALID` when the codes are not `rows` rows of these columns; nothing is counted then. */
  add({ rows, codes }: CountedRows): void {
    const width = this.columns.length
    if (codes.length !== rows * width)
      throw new CodedError('ARGUMENT_INVALID', `codes do not hold ${rows} rows of ${width} columns`)
    this.#refuseOutside(codes)
    const sizes = this.#sizes
    const pairs = this.#pairs
    const starts = this.#starts
    const paired = this.paired
    for (let at = 0; at < codes.length; at += width) {
      for (let j = 0; j < width; j++) {
        const counts = this.#counts[j]!
        counts[codes[at + j]!] = counts[codes[at + j]!]! + 1
      }
      for (let i = 0; i < paired; i++) {
        const code = codes[at + i]!
        for (let j = i + 1; j < paired; j++) {
          const cell = starts[i * paired + j]! + code * sizes[j]! + codes[at + j]!
          pairs[cell] = pairs[cell]! + 1
        }
      }
    }
    this.#rows += rows
  }

  /** Rows with each code of a column. Throws `ARGUMENT_INVALID` for a column that does not exist. */
  counts(column: number): Float64Array {
    const counts = this.#counts[column]
    if (counts === undefined) throw new CodedError('ARGUMENT_INVALID', `there is no column ${column}`)
    return counts.slice()
  }

  /**
   * Bias-corrected Cramér's V of every pair, columns x columns, symmetric, 1 on the diagonal. NaN where nothing can be said: a
   * column with one value only, or one whose pairs are not counted.
   */
  association(): Float64Array {
    const width = this.columns.length
    const values = new Float64Array(width * width).fill(Number.NaN)
    for (let i = 0; i < width; i++) values[i * width + i] = 1
    for (let i = 0; i < this.paired; i++)
      for (let j = i + 1; j < this.paired; j++) {
        const start = this.#starts[i * this.paired + j]!
        const [rows, columns] = [this.#sizes[i]!, this.#sizes[j]!]
        const value = correctedCramersV(this.#pairs.subarray(start, start + rows * columns), rows, columns)
        values[i * width + j] = value
        values[j * width + i] = value
      }
    return values
  }

  #refuseOutside(codes: Uint16Array): void {
    const width = this.columns.length
    for (let j = 0; j < width; j++)
      for (let at = j; at < codes.length; at += width)
        if (codes[at]! >= this.#sizes[j]!)
          throw new CodedError('ARGUMENT_INVALID', `a code is not below ${this.#sizes[j]}`, {
            place: { column: this.columns[j]!.name },
          })
  }
}
