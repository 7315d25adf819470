import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type FrameRing, frameLength } from '@tributary/shared/he/frame'
import { blocksOfPart, blocksPerPart } from '@tributary/shared/he/parts'
import type { Digest } from '@tributary/shared/ids'
import { syncFolder } from '@tributary/shared/store/durable-folder'
import { storeError } from '@tributary/shared/store/store-error'
import { hashBytes } from '@tributary/shared/wire/canonical'

/**
 * One site's sealed contribution to one attempt: every part at its own place in one file, written in any order. Nothing in the
 * file says which parts are there: whoever knows their hashes finds them, and what a crash tore is not found.
 */
export class ContributionFile {
  readonly #path: string
  readonly #ring: FrameRing
  readonly #blocks: number

  /** `blocks`: of the whole contribution. */
  constructor(path: string, ring: FrameRing, blocks: number) {
    this.#path = path
    this.#ring = ring
    this.#blocks = blocks
  }

  /** Durable only after `sync`. Throws `DISK_FULL`; the part is then not there, or not whole. */
  async write(part: number, data: Uint8Array): Promise<void> {
    const place = this.#place(part)
    await this.#with(constants.O_WRONLY | constants.O_CREAT, async (file) => {
      for (let at = 0; at < data.length; ) {
        const { bytesWritten } = await file.write(data, at, data.length - at, place + at)
        at += bytesWritten
      }
    }).catch((thrown: unknown) => {
      throw storeError(this.#path, thrown)
    })
  }

  /** The part whose SHA-256 is `hash`; undefined where anything else is in its place. */
  async read(part: number, hash: Digest): Promise<Uint8Array | undefined> {
    const data = new Uint8Array(frameLength(this.#ring, blocksOfPart(this.#blocks, part)))
    const place = this.#place(part)
    const length = await this.#with(constants.O_RDONLY, async (file) => {
      let at = 0
      for (let read = -1; read !== 0 && at < data.length; at += read)
        read = (await file.read(data, at, data.length - at, place + at)).bytesRead
      return at
    }).catch((thrown: unknown) => {
      const { code } = thrown as NodeJS.ErrnoException
      // What the disk cannot give back is not there.
      if (code === 'ENOENT' || code === 'EIO') return 0
      throw storeError(this.#path, thrown)
    })
    return length === data.length && hashBytes(data) === hash ? data : undefined
  }

  /** Whatever was written is on the disk when this resolves. Throws `DISK_FULL` or `STATE_CORRUPT`: then it may not be. */
  async sync(): Promise<void> {
    try {
      await this.#with(constants.O_WRONLY, (file) => file.sync())
      syncFolder(dirname(this.#path))
    } catch (thrown) {
      throw storeError(this.#path, thrown)
    }
  }

  #place(part: number): number {
    return part * frameLength(this.#ring, blocksPerPart)
  }

  async #with<T>(flags: number, work: (file: FileHandle) => Promise<T>): Promise<T> {
    const file = await open(this.#path, flags, 0o600)
    try {
      return await work(file)
    } finally {
      await file.close()
    }
  }
}
