import { createReadStream } from 'node:fs'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError } from '../errors.ts'
import { type Digest, digest } from '../ids.ts'
import { hashBytes } from '../wire/canonical.ts'
import { makeFolder } from './durable-folder.ts'

/** Files named by the SHA-256 of their bytes. A file is complete or absent: written aside, synced, renamed. */
export class BlobFolder {
  readonly #folder: string
  /** Two uploads of the same bytes at once must not share the file they are written to. */
  #puts = 0

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(folder: string): Promise<BlobFolder> {
    makeFolder(folder)
    return new BlobFolder(folder)
  }

  /** Durable when it resolves. Throws `DISK_FULL`. */
  async put(bytes: Uint8Array): Promise<Digest> {
    const name = hashBytes(bytes)
    const aside = join(this.#folder, `.${name}.${this.#puts++}.part`)
    try {
      const file = await open(aside, 'w', 0o600)
      try {
        await file.writeFile(bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(aside, join(this.#folder, name))
      const folder = await open(this.#folder, 'r')
      await folder.sync()
      await folder.close()
      return name
    } catch (cause) {
      await rm(aside, { force: true })
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC')
        throw new CodedError('DISK_FULL', 'no space left for a file of the store', { cause })
      throw cause
    }
  }

  /** Throws `STATE_CORRUPT` when the file is missing or is not what its name says. */
  async get(name: Digest): Promise<Uint8Array> {
    const bytes = await readFile(join(this.#folder, name)).catch((cause: unknown) => {
      throw new CodedError('STATE_CORRUPT', `file ${name} of the store is missing`, { cause })
    })
    if (hashBytes(bytes) !== name) throw new CodedError('STATE_CORRUPT', `file ${name} of the store was altered`)
    return bytes
  }

  /** The bytes in order, not checked: for receivers that compare the hash themselves. */
  stream(name: Digest): AsyncIterable<Uint8Array> {
    return createReadStream(join(this.#folder, name), { highWaterMark: 2 ** 18 })
  }

  /** Removes every file that `keep` does not name, and what crashes left. */
  async keepOnly(keep: ReadonlySet<Digest>): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      if (!/^[0-9a-f]{64}$/.test(name) || !keep.has(digest(name))) await rm(join(this.#folder, name), { force: true })
    }
  }
}
