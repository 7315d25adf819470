import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { type Digest, digest } from '@tributary/shared/ids'
import { storeError } from '@tributary/shared/store/store-error'

/** One file of a release, written once from start to end and hashed on the way: what is signed is what was meant. */
export class ReleaseFile {
  readonly #handle: FileHandle
  readonly #path: string
  readonly #hash = createHash('sha256')

  private constructor(handle: FileHandle, path: string) {
    this.#handle = handle
    this.#path = path
  }

  /** The file must not exist. Throws `DISK_FULL`, `CONFIG_INVALID`. */
  static async create(path: string): Promise<ReleaseFile> {
    try {
      return new ReleaseFile(await open(path, 'wx', 0o644), path)
    } catch (thrown) {
      throw storeError(path, thrown)
    }
  }

  /** `bytes` may be used again once this resolves. Throws `DISK_FULL`. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes)
    try {
      for (let done = 0; done < bytes.length; )
        done += (await this.#handle.write(bytes, done, bytes.length - done)).bytesWritten
    } catch (thrown) {
      throw storeError(this.#path, thrown)
    }
  }

  /** Durable when it resolves. Throws `DISK_FULL`. */
  async finish(): Promise<Digest> {
    try {
      await this.#handle.sync()
      await this.#handle.close()
    } catch (thrown) {
      throw storeError(this.#path, thrown)
    }
    return digest(this.#hash.digest('hex'))
  }

  /** Closes a file that will not be finished; harmless afterwards. */
  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => {})
  }
}
