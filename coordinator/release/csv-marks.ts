import { markColumn } from '@tributary/shared/synthetic-mark'

const [quote, lineFeed] = [0x22, 0x0a]

/**
 * Looks through a CSV file's bytes, as they stream by, for the mark: the last field of the header and of every record must be
 * what a release writes. Knows quoted fields, whose line breaks end no record. O(bytes), a chunk in memory.
 */
export class CsvMarks {
  readonly #header = Buffer.from(`,${markColumn}`)
  readonly #mark: Buffer
  #tail: Uint8Array = new Uint8Array(0)
  #isQuoted = false
  #records = 0
  #unmarked = 0
  #hasHeader = false
  #isEnded = true

  constructor(releaseId: string) {
    this.#mark = Buffer.from(`,${releaseId}`)
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.concat([this.#tail, chunk])
    for (let at = this.#tail.length; at < bytes.length; at++) {
      const byte = bytes[at]
      if (byte === quote) this.#isQuoted = !this.#isQuoted
      else if (byte === lineFeed && !this.#isQuoted) this.#endRecord(bytes, at)
    }
    if (chunk.length > 0) this.#isEnded = bytes.at(-1) === lineFeed && !this.#isQuoted
    this.#tail = bytes.subarray(Math.max(0, bytes.length - Math.max(this.#header.length, this.#mark.length)))
  }

  /** What is wrong, or null. `rows` is how many the release says there are. */
  problem(rows: number): string | null {
    if (!this.#hasHeader) return `its header does not end with ${markColumn}`
    if (this.#unmarked > 0) return `${this.#unmarked} rows do not end with the release's id`
    if (!this.#isEnded) return 'its last row is cut short'
    return this.#records - 1 === rows ? null : `${this.#records - 1} rows where the release says ${rows}`
  }

  /** The mark holds no quote and no line feed: where it is found, it is one whole field of this record, outside quotes. */
  #endRecord(bytes: Buffer, end: number): void {
    const expected = this.#records++ === 0 ? this.#header : this.#mark
    const isMarked = end >= expected.length && expected.equals(bytes.subarray(end - expected.length, end))
    if (expected === this.#header) this.#hasHeader = isMarked
    else if (!isMarked) this.#unmarked++
  }
}
