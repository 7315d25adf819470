import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, mkdir, open, readdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CodedError } from '@tributary/shared/errors'

import type { ReleaseFile, ReleaseListing } from '../api/schemas.ts'
import { type ApiClient, apiPath } from './api-client.ts'
import { connectionError } from './api-error.ts'
import { fileError } from './file-error.ts'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import { printable } from '@tributary/shared/cli/printable'

/** A name that stays inside its folder on every system: parts of letters, digits, `.`, `_`, `-`, none of them beginning with a dot. */
const isSafeName = (name: string) => name.length <= 200 && /^[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*)*$/.test(name)

const altered = (name: string, why: string): CodedError =>
  new HintedError('RELEASE_ALTERED', why, 'Run the same command again; if it persists, tell the operator.', {
    place: { file: name },
  })

const existing = (folder: string, why = 'exists already'): CodedError =>
  new HintedError('ALREADY_EXISTS', `${folder} ${why}`, 'Choose another --out, or remove it first.')

const isThere = async (path: string): Promise<boolean> => (await lstat(path).catch(() => undefined)) !== undefined

/**
 * A release on its way into `folder`: everything goes to `<folder>.part`, a file that an earlier attempt completed is not fetched
 * again, and `folder` appears by one rename. Memory does not grow with the files.
 */
export class ReleaseDownload {
  readonly part: string
  readonly #folder: string
  readonly #listing: ReleaseListing

  private constructor(folder: string, listing: ReleaseListing) {
    this.#folder = folder
    this.#listing = listing
    this.part = `${folder}.part`
  }

  /** Throws `ALREADY_EXISTS` for a folder that is there, or whose `.part` holds anything but this release's files. */
  static async open(folder: string, listing: ReleaseListing): Promise<ReleaseDownload> {
    const names = listing.files.map(({ name }) => name)
    const odd = names.find((name, at) => !isSafeName(name) || names.indexOf(name) !== at)
    if (odd !== undefined) throw altered(printable(odd), 'the release lists a name that cannot be a file of it')
    const download = new ReleaseDownload(folder, listing)
    await download.#guarded(async () => {
      if (await isThere(folder)) throw existing(folder)
      await mkdir(download.part, { recursive: true })
      const found = await readdir(download.part, { recursive: true, withFileTypes: true })
      const own = new Set(names.map((name) => join(download.part, name)))
      const foreign = found.find(
        (entry) => !entry.isDirectory() && !(entry.isFile() && own.has(join(entry.parentPath, entry.name))),
      )
      if (foreign) throw existing(download.part, `holds ${foreign.name}, which is not of this release`)
    })
    return download
  }

  /** Everything, each file's size and hash checked. `onBytes` hears of every piece, and of files that were there already. */
  async fetch(api: ApiClient, server: string, onBytes: (bytes: number, file: ReleaseFile) => void): Promise<void> {
    for (const file of this.#listing.files) {
      await this.#guarded(async () => {
        await mkdir(dirname(join(this.part, file.name)), { recursive: true })
        if (await this.#isComplete(file)) onBytes(file.bytes, file)
        else await this.#fetchFile(api, server, file, (bytes) => onBytes(bytes, file))
      })
    }
  }

  /** The folder appears under its name, durably. Throws `ALREADY_EXISTS`. */
  async publish(): Promise<void> {
    await this.#guarded(async () => {
      const folders = new Set(this.#listing.files.map(({ name }) => dirname(name)))
      for (const name of [...folders, '.']) await syncFolder(join(this.part, name))
      if (await isThere(this.#folder)) throw existing(this.#folder)
      await rename(this.part, this.#folder)
      await syncFolder(dirname(this.#folder))
    })
  }

  async #isComplete({ name, bytes, sha256 }: ReleaseFile): Promise<boolean> {
    const path = join(this.part, name)
    const found = await lstat(path).catch(() => undefined)
    if (found?.isFile() !== true || found.size !== bytes) return false
    const hash = createHash('sha256')
    await pipeline(createReadStream(path), hash)
    return hash.digest('hex') === sha256
  }

  async #fetchFile(api: ApiClient, server: string, file: ReleaseFile, onBytes: (bytes: number) => void): Promise<void> {
    const { name, bytes, sha256 } = file
    const hash = createHash('sha256')
    let seen = 0
    const handle = await open(join(this.part, name), 'w')
    try {
      const path = apiPath('releases', this.#listing.release, 'files', ...name.split('/'))
      for await (const chunk of received(await api.stream(path), server)) {
        seen += chunk.length
        if (seen > bytes) throw altered(name, `longer than the ${bytes} bytes that the release lists`)
        hash.update(chunk)
        await handle.writeFile(chunk) // from where the last one ended
        onBytes(chunk.length)
      }
      if (seen < bytes) throw altered(name, `${seen} bytes arrived of ${bytes}`)
      if (hash.digest('hex') !== sha256) throw altered(name, 'not the bytes that the release lists')
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      throw fileError(this.part, thrown)
    }
  }
}

/** A body piece by piece; what breaks it is the connection's fault, not the disk's. */
async function* received(body: ReadableStream<Uint8Array>, server: string): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (thrown) {
    const { code, message } = connectionError(thrown, server)
    const hint = 'Run the same command again: complete files are kept.'
    throw new HintedError(code, message, hint, { cause: thrown })
  }
}

const syncFolder = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
