import { markColumn } from '@tributary/shared/synthetic-mark'
import type { ReleaseFile } from './release-file.ts'

/**
 * Canonical rows (`CsvRows`) as a file: the mark column last, with the release's id in every row. No line of comment, which would
 * break most readers.
 */
export class CsvWriter {
  readonly #file: ReleaseFile
  readonly #mark: string

  private constructor(file: ReleaseFile, releaseId: string) {
    this.#file = file
    this.#mark = releaseId
  }

  /** Writes the header. */
  static async start(file: ReleaseFile, header: string, releaseId: string): Promise<CsvWriter> {
    const writer = new CsvWriter(file, releaseId)
    await writer.#write([header], markColumn)
    return writer
  }

  async add(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.#write(lines, this.#mark)
  }

  async #write(lines: readonly string[], mark: string): Promise<void> {
    await this.#file.write(Buffer.from(`${lines.join(`,${mark}\n`)},${mark}\n`))
  }
}
