import { createReadStream } from 'node:fs'
import { lstat, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { CodedError } from '@tributary/shared/errors'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { parseChecksums } from '../release/checksums.ts'
import type { ByteRange } from './byte-range.ts'
import type { ReleaseFile } from './schemas.ts'

const sums = 'SHA256SUMS'
const attestation = 'attestation.dsse.json'

const contentTypes: Readonly<Record<string, string>> = {
  '.csv': 'text/csv; charset=utf-8',
  '.json': 'application/json',
  '.html': 'text/html; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.parquet': 'application/vnd.apache.parquet',
}

/** By its ending; bytes for anything else, SHA256SUMS aside. */
export const contentTypeOf = (name: string): string =>
  name === sums ? 'text/plain; charset=utf-8' : (contentTypes[extname(name)] ?? 'application/octet-stream')

/**
 * The files of one release folder. Only names that SHA256SUMS lists, itself and the attestation exist here: a name is looked up
 * and never joined to a path before it was found, so that no path leads out of the folder.
 */
export class ReleaseFiles {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** With sizes, by name. Throws `STATE_CORRUPT` when a listed file is missing or is no plain file. */
  async list(): Promise<readonly ReleaseFile[]> {
    const whole = await Promise.all([sums, attestation].map((name) => this.#hashed(name)))
    const listed = await Promise.all(
      [...(await this.#checksums())].map(async ([name, sha256]) => ({ name, bytes: await this.#size(name), sha256 })),
    )
    return [...listed, ...whole].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Throws `NOT_FOUND`. */
  async find(name: string): Promise<ReleaseFile> {
    if (name === sums || name === attestation) return this.#hashed(name)
    const sha256 = (await this.#checksums()).get(name)
    if (sha256 === undefined) throw new CodedError('NOT_FOUND', 'the release has no such file')
    return { name, bytes: await this.#size(name), sha256 }
  }

  /** The bytes of a file that `find` or `list` gave, or a range of them. */
  read({ name }: ReleaseFile, range?: ByteRange): Readable {
    return createReadStream(join(this.#folder, name), range && { start: range.first, end: range.last })
  }

  async #checksums() {
    return parseChecksums((await this.#bytes(sums)).toString('utf8'))
  }

  async #hashed(name: string): Promise<ReleaseFile> {
    const bytes = await this.#bytes(name)
    return { name, bytes: bytes.length, sha256: hashBytes(bytes) }
  }

  async #bytes(name: string): Promise<Buffer> {
    await this.#size(name)
    return readFile(join(this.#folder, name))
  }

  async #size(name: string): Promise<number> {
    const found = await lstat(join(this.#folder, name)).catch(() => undefined)
    if (found?.isFile() !== true) throw new CodedError('STATE_CORRUPT', `the release lacks its file ${name}`)
    return found.size
  }
}
