import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import { type Digest, digest } from '@tributary/shared/ids'
import { makeFolder, syncFolder } from '@tributary/shared/store/durable-folder'
import { storeError } from '@tributary/shared/store/store-error'
import { hashBytes } from '@tributary/shared/wire/canonical'

const writeAll = async (file: FileHandle, bytes: Uint8Array): Promise<void> => {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten
}

const hashOf = (parts: readonly Uint8Array[]): Digest => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return digest(hash.digest('hex'))
}

/**
 * A folder of files named by the SHA-256 of what they hold. A name appears only once its bytes are on the disk (write, sync,
 * rename, sync the folder). Throws `DISK_FULL` and the other codes of shared/store.
 */
export class OutboxFiles {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    this.#guard(() => makeFolder(folder))
  }

  /** One file of these bytes, one after the other; megabytes are written and synced off the main thread. */
  async put(...parts: readonly Uint8Array[]): Promise<Digest> {
    const name = hashOf(parts)
    const unfinished = join(this.#folder, `${name}.unfinished`)
    try {
      const file = await open(unfinished, 'w', 0o600)
      try {
        for (const part of parts) await writeAll(file, part)
        await file.sync()
      } finally {
        await file.close()
      }
      renameSync(unfinished, join(this.#folder, name))
      syncFolder(this.#folder)
    } catch (error) {
      rmSync(unfinished, { force: true })
      throw storeError(this.#folder, error)
    }
    return name
  }

  /** The bytes of that name; `STATE_CORRUPT` when they are missing or are not what the name says. */
  get(name: Digest): Uint8Array {
    let bytes: Uint8Array
    try {
      bytes = new Uint8Array(readFileSync(join(this.#folder, name)))
    } catch (cause) {
      throw new CodedError('STATE_CORRUPT', 'a stored contribution is missing', { place: { file: name }, cause })
    }
    if (hashBytes(bytes) !== name) {
      throw new CodedError('STATE_CORRUPT', 'a stored contribution is damaged', { place: { file: name } })
    }
    return bytes
  }

  /** Removes every file whose name is not wanted, and what a crash left unfinished. */
  keepOnly(wanted: ReadonlySet<string>): void {
    this.#guard(() => {
      for (const name of readdirSync(this.#folder)) if (!wanted.has(name)) rmSync(join(this.#folder, name))
    })
  }

  /** Removes these files; one that is gone already is no fault. */
  remove(names: readonly Digest[]): void {
    this.#guard(() => {
      for (const name of names) rmSync(join(this.#folder, name), { force: true })
    })
  }

  #guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw storeError(this.#folder, error)
    }
  }
}
