import { parseDate } from '@tributary/shared/schema/calendar'
import { type Column, encodeCell } from '@tributary/shared/schema/column'
import { parseNumber, parseValue } from '@tributary/shared/schema/numeric'
import { LevelSpelling, type Spelling } from './level-spelling.ts'

/** Distinct texts counted before they are looked at; a column of free numbers has more, and each of those is looked at. */
const mostCounted = 4096
/** Distinct numbers outside the range that are told apart. */
const mostOutside = 256
/** Buckets of each doubling, for a median to 3 % in bounded memory. */
const bucketsPerDoubling = 24

/**
 * What a hospital's column looks like against what the study declares, in counts of rows. It holds texts while it counts: for the
 * check before approval, inside the hospital, and never kept. A few hundred kilobytes a column at most, whatever the table's size.
 */
export class ColumnProfile {
  readonly column: Column
  rows = 0
  missing = 0
  /** Rows that count as the declared `other` level without being it. */
  unlisted = 0
  /** Unlisted texts that would be a level if written otherwise. */
  readonly spelled = new Map<Spelling, number>()
  /** Texts that are no value of the column's kind; of them, with a decimal comma, as a date with day or month first. */
  unreadable = 0
  decimalComma = 0
  otherDate = 0
  /** Dates that are one only when day and month change places. */
  swapped = 0
  below = 0
  above = 0
  /** Rows of each day of the month. */
  readonly days = new Float64Array(32)
  readonly #codes = new Map<number, number>()
  readonly #outside = new Map<number, number>()
  readonly #buckets = new Map<number, number>()
  readonly #missing: ReadonlySet<string>
  #counted = new Map<string, number>()
  readonly #spelling: LevelSpelling | null

  constructor(column: Column) {
    this.column = column
    this.#missing = new Set(['', ...column.missingTexts])
    this.#spelling = column.kind === 'categorical' ? new LevelSpelling(column) : null
  }

  add(texts: readonly (string | null)[]): void {
    this.rows += texts.length
    for (const text of texts) {
      if (text === null || this.#missing.has(text)) this.missing++
      else {
        const count = this.#counted.get(text)
        if (count !== undefined || this.#counted.size < mostCounted) this.#counted.set(text, (count ?? 0) + 1)
        else this.#look(text, 1)
      }
    }
  }

  /** Once, after the last row: the texts are let go. */
  finish(): void {
    for (const [text, count] of this.#counted) this.#look(text, count)
    this.#counted = new Map()
  }

  get present(): number {
    return this.rows - this.missing
  }

  /** Rows of the most frequent level or bin. */
  get mostFrequent(): number {
    return largest(this.#codes)
  }

  /** Rows of the most frequent number outside the range. */
  get mostFrequentOutside(): number {
    return largest(this.#outside)
  }

  /** The middle number, outside values included, to 3 %; undefined without any. */
  get median(): number | undefined {
    const keys = [...this.#buckets].sort(([a], [b]) => a - b)
    const half = keys.reduce((sum, [, count]) => sum + count, 0) / 2
    let passed = 0
    for (const [key, count] of keys) {
      passed += count
      if (passed >= half) return valueOf(key)
    }
    return undefined
  }

  #look(text: string, count: number): void {
    const { column } = this
    const code = encodeCell(column, text)
    if (column.kind === 'categorical') {
      const spelling = this.#spelling! // safe because the constructor made one for a categorical column
      if (spelling.isListed(text)) return this.#count(code, count)
      this.unlisted += count
      const other = spelling.of(text)
      if (other !== undefined) this.spelled.set(other, (this.spelled.get(other) ?? 0) + count)
      return
    }
    const value = parseValue(column, text)
    if (value === undefined) return this.#lookUnreadable(text, count)
    if (column.kind === 'date') this.days[Number(text.trim().slice(8, 10))]! += count
    const bucket = bucketOf(value)
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + count)
    const isBelow = value < column.bins[0]!
    if (!isBelow && value <= column.maximum) return this.#count(code, count)
    if (isBelow) this.below += count
    else this.above += count
    if (this.#outside.has(value) || this.#outside.size < mostOutside)
      this.#outside.set(value, (this.#outside.get(value) ?? 0) + count)
  }

  #lookUnreadable(text: string, count: number): void {
    this.unreadable += count
    if (this.column.kind === 'numeric') {
      if (parseNumber(text.replace(',', '.')) !== undefined) this.decimalComma += count
      return
    }
    const turned = text.trim().replace(/^(\d{4})-(\d\d)-(\d\d)/, '$1-$3-$2')
    if (parseDate(turned) !== undefined) this.swapped += count
    else if (/^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b/.test(text.trim())) this.otherDate += count
  }

  #count(code: number, count: number): void {
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + count)
  }
}

const largest = (counts: ReadonlyMap<number, number>): number =>
  [...counts.values()].reduce((most, count) => Math.max(most, count), 0)

/** Keys rise with the value; 0 has its own. */
const bucketOf = (value: number): number =>
  value === 0 ? 0 : Math.sign(value) * (Math.round(bucketsPerDoubling * Math.log2(Math.abs(value))) + 2 ** 16)

const valueOf = (key: number): number =>
  key === 0 ? 0 : Math.sign(key) * 2 ** ((Math.abs(key) - 2 ** 16) / bucketsPerDoubling)
