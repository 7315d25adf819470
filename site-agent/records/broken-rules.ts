import type { Constraint } from '@tributary/shared/constraint/constraint'
import { type RowTest, rowTest } from '@tributary/shared/constraint/row-test'
import { type Column, encodeCell } from '@tributary/shared/schema/column'
import { parseValue } from '@tributary/shared/schema/numeric'
import type { RawRows } from '../table/raw-rows.ts'
import { isFilled } from './batch-encoder.ts'
import { type Problem, problem } from './problem.ts'

/** Texts remembered per column. */
const mostRemembered = 4096

/**
 * How many of a hospital's own rows break the study's constraints, each value as it is written: a number before it is put into a
 * bin, an unlisted text as the level it counts as. What cannot be read is unknown, as missing values are, and breaks nothing. For
 * the check before approval, inside the hospital: such rows are neither left out nor changed. Cost: leaves of the constraints a row.
 */
export class BrokenRules {
  rows = 0
  readonly #constraints: readonly Constraint[]
  readonly #test: RowTest
  readonly #readers: readonly ((text: string | null) => number)[]
  /** By column of the study: where it stands in a batch, -1 for a site column. */
  readonly #places: readonly number[]
  readonly #numbers: Float64Array
  readonly #broken: { count: number; first: number }[]
  #read = 0

  /** `columns`: as this hospital's source has them. `site`: its name, for a site column. */
  constructor(constraints: readonly Constraint[], columns: readonly Column[], site?: string) {
    this.#constraints = constraints
    this.#test = rowTest(constraints, columns)
    let place = 0
    this.#places = columns.map((column) => (isFilled(column) ? -1 : place++))
    this.#readers = columns.map((column) =>
      isFilled(column) ? constant(codeOf(column, site ?? null)) : reader(column),
    )
    this.#numbers = new Float64Array(columns.length)
    this.#broken = constraints.map(() => ({ count: 0, first: 0 }))
  }

  /** A batch that begins with the table's columns, in the study's order. */
  add(batch: RawRows): void {
    const texts = this.#places.map((place) => (place < 0 ? null : batch.column(place)))
    for (let row = 0; row < batch.rows; row++) {
      this.#readers.forEach((read, j) => (this.#numbers[j] = read(texts[j]?.[row] ?? null)))
      let at = this.#test(this.#numbers)
      if (at >= 0) this.rows++
      for (; at >= 0; at = this.#test(this.#numbers, at + 1)) {
        const seen = this.#broken[at]!
        if (seen.count++ === 0) seen.first = this.#read + row + 1
      }
    }
    this.#read += batch.rows
  }

  /** One for each constraint that a row breaks; none is in the way of approval. */
  problems(): Problem[] {
    return this.#broken.flatMap(({ count, first }, i) => {
      if (count === 0) return []
      const said = problem('breaks a constraint', count, undefined, first)
      return [{ ...said, detail: `${said.detail}: ${this.#constraints[i]!.text}` }]
    })
  }
}

const constant = (value: number) => () => value

const codeOf = (column: Column, text: string | null): number => {
  const code = encodeCell(column, text)
  const isMissing = column.missing === 'level' && code === encodeCell(column, null)
  return code < 0 || isMissing ? Number.NaN : code
}

const reader = (column: Column): ((text: string | null) => number) => {
  const missing = new Set(['', ...column.missingTexts])
  const read = (text: string) =>
    column.kind === 'categorical' ? codeOf(column, text) : (parseValue(column, text) ?? Number.NaN)
  const known = new Map<string, number>()
  return (text) => {
    if (text === null || missing.has(text)) return Number.NaN
    const found = known.get(text)
    if (found !== undefined) return found
    const value = read(text)
    if (known.size < mostRemembered) known.set(text, value)
    return value
  }
}
