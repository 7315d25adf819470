import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import type { Digest } from '@tributary/shared/ids'
import { syncFolder } from '@tributary/shared/store/durable-folder'
import { storeError } from '@tributary/shared/store/store-error'
import type { Checksums } from './checksums.ts'
import { ReleaseFile } from './release-file.ts'

/**
 * A folder that is complete or absent: everything goes to `<folder>.part`, is synced, and appears under its name by one rename.
 * What an earlier crash left in `.part` is removed.
 */
export class ReleaseFolder {
  readonly #folder: string
  readonly #part: string
  readonly #open = new Set<ReleaseFile>()
  readonly #checksums = new Map<string, Digest>()

  private constructor(folder: string) {
    this.#folder = folder
    this.#part = `${folder}.part`
  }

  /** Throws `ALREADY_EXISTS`, `DISK_FULL`, `CONFIG_INVALID`. `folders` are made inside. */
  static async create(folder: string, folders: readonly string[]): Promise<ReleaseFolder> {
    const made = new ReleaseFolder(folder)
    await made.#guarded(async () => {
      if ((await stat(folder).catch(() => undefined)) !== undefined) throw exists(folder)
      await rm(made.#part, { recursive: true, force: true })
      for (const name of ['.', ...folders]) await mkdir(join(made.#part, name), { recursive: true })
    })
    return made
  }

  /** Of every file finished so far. */
  get checksums(): Checksums {
    return this.#checksums
  }

  async file(name: string): Promise<ReleaseFile> {
    const file = await ReleaseFile.create(join(this.#part, name))
    this.#open.add(file)
    return file
  }

  /** Ends a file and notes its checksum under `name`. */
  async finish(name: string, file: ReleaseFile): Promise<Digest> {
    const sum = await file.finish()
    this.#open.delete(file)
    this.#checksums.set(name, sum)
    return sum
  }

  /** A small file in one go. */
  async write(name: string, contents: string): Promise<Digest> {
    const file = await this.file(name)
    await file.write(Buffer.from(contents))
    return this.finish(name, file)
  }

  /** The release appears, durably. Throws `ALREADY_EXISTS`. */
  async publish(): Promise<void> {
    await this.#guarded(async () => {
      const folders = new Set([...this.#checksums.keys()].map((name) => dirname(name)))
      for (const name of [...folders, '.']) syncFolder(join(this.#part, name))
      await rename(this.#part, this.#folder).catch((thrown: unknown) => {
        const { code } = thrown as { code?: unknown }
        throw code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR' ? exists(this.#folder) : thrown
      })
      syncFolder(dirname(this.#folder))
    })
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    for (const file of this.#open) await file.abandon()
    await rm(this.#part, { recursive: true, force: true })
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      throw storeError(this.#folder, thrown)
    }
  }
}

const exists = (folder: string): CodedError =>
  new CodedError('ALREADY_EXISTS', `there is a folder ${basename(folder)} already`, { place: { file: folder } })
