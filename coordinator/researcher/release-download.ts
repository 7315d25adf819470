import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, mkdir, open, readdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { asCodedError, CodedError } from '@tributary/shared/errors'
import { syncFolder } from '@tributary/shared/store/durable-folder'
import type { ReleaseFile, ReleaseListing } from '../api/schemas.ts'
import { isReleaseFileName } from '../release/verify-release.ts'
import { type ApiClient, apiPath } from './api-client.ts'
import { connectionError } from './api-error.ts'
import { fileError } from './file-error.ts'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import { printable } from '@tributary/shared/cli/printable'

const altered = (name: string, why: string): CodedError =>
  new HintedError('RELEASE_ALTERED', why, 'Run the same command again; if it persists, tell the operator.', {
    place: { file: name },
  })

const existing = (folder: string, why = 'exists already'): CodedError =>
  new HintedError('ALREADY_EXISTS', `${folder} ${why}`, 'Choose another --out, or remove it first.')

const isThere = async (path: string): Promise<boolean> => (await lstat(path).catch(() => undefined)) !== undefined

/** The beginning of a file, as far as it is on the disk. */
interface Piece {
  readonly bytes: number
  /** Of those bytes. */
  readonly hash: Hash
}

const piece = async (path: string): Promise<Piece> => {
  const hash = createHash('sha256')
  const found = await lstat(path).catch(() => undefined)
  if (found?.isFile() !== true) return { bytes: 0, hash }
  let bytes = 0
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { bytes, hash }
}

/**
 * A release on its way into `folder`: everything goes to `<folder>.part`, what an earlier attempt fetched is not fetched again,
 * to the byte, and `folder` appears by one rename. Memory does not grow with the files.
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
    const odd = names.find((name, at) => !isReleaseFileName(name) || names.indexOf(name) !== at)
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

  /** Everything, each file's size and hash checked. `onBytes` hears of every piece, and of what was there already. */
  async fetch(api: ApiClient, server: string, onBytes: (bytes: number, file: ReleaseFile) => void): Promise<void> {
    for (const file of this.#listing.files) {
      await this.#guarded(async () => {
        await mkdir(dirname(join(this.part, file.name)), { recursive: true })
        await this.#fetchFile(api, server, file, (bytes) => onBytes(bytes, file))
      })
    }
  }

  /** The folder appears under its name, durably. Throws `ALREADY_EXISTS`. */
  async publish(): Promise<void> {
    await this.#guarded(async () => {
      const folders = new Set(this.#listing.files.map(({ name }) => dirname(name)))
      for (const name of [...folders, '.']) syncFolder(join(this.part, name))
      if (await isThere(this.#folder)) throw existing(this.#folder)
      await rename(this.part, this.#folder)
      syncFolder(dirname(this.#folder))
    })
  }

  async #fetchFile(api: ApiClient, server: string, file: ReleaseFile, onBytes: (bytes: number) => void): Promise<void> {
    const path = join(this.part, file.name)
    const there = await piece(path)
    if (there.bytes === file.bytes && there.hash.copy().digest('hex') === file.sha256) return onBytes(file.bytes)
    if (there.bytes > 0 && there.bytes < file.bytes) {
      onBytes(there.bytes)
      const wrong = await this.#append(api, server, file, there, onBytes).catch((thrown: unknown) => {
        if (asCodedError(thrown).code === 'RANGE_UNSATISFIABLE') return { seen: there.bytes }
        throw thrown
      })
      if (wrong === undefined) return
      onBytes(-wrong.seen) // what was there is not the beginning of this file: all of it again
    }
    const wrong = await this.#append(api, server, file, { bytes: 0, hash: createHash('sha256') }, onBytes)
    if (wrong !== undefined) throw altered(file.name, wrong.why)
  }

  /** Fetches what follows the piece that is there. The file counts when all of it has the hash listed: else what is wrong. */
  async #append(
    api: ApiClient,
    server: string,
    { name, bytes, sha256 }: ReleaseFile,
    there: Piece,
    onBytes: (bytes: number) => void,
  ): Promise<{ seen: number; why: string } | undefined> {
    const from = there.bytes === 0 ? undefined : { offset: there.bytes, etag: `"${sha256}"` }
    const { body, offset } = await api.stream(
      apiPath('releases', this.#listing.release, 'files', ...name.split('/')),
      from,
    )
    const hash = offset === 0 ? createHash('sha256') : there.hash
    let seen = offset
    onBytes(offset - there.bytes)
    const handle = await open(join(this.part, name), offset === 0 ? 'w' : 'a')
    try {
      for await (const chunk of received(body, server)) {
        seen += chunk.length
        onBytes(chunk.length)
        if (seen > bytes) return { seen, why: `longer than the ${bytes} bytes that the release lists` }
        hash.update(chunk)
        await handle.writeFile(chunk) // from where the last one ended
      }
      if (seen < bytes) return { seen, why: `${seen} bytes arrived of ${bytes}` }
      if (hash.digest('hex') !== sha256) return { seen, why: 'not the bytes that the release lists' }
      await handle.sync()
      return undefined
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
    const hint = 'Run the same command again: it goes on where this one stopped.'
    throw new HintedError(code, message, hint, { cause: thrown })
  }
}
