import fs from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, relative } from 'node:path'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { type FolderImage, readFolder, withDatabase, withFile, withoutFolder } from './folder-image.ts'

/** The folder after one operation on the disk, and what of it a power cut may still undo because nothing has synced it. */
export interface Moment {
  readonly image: FolderImage
  readonly unsynced: readonly Unsynced[]
  /** Acts that had returned. */
  readonly done: number
}

export interface Unsynced {
  readonly what: string
  readonly lost: (image: FolderImage) => FolderImage
}

interface Pending {
  readonly what: string
  /** Synced by syncing this file or folder. */
  readonly until: string
  /** The file or folder inside the watched one, and how it looks when this is lost. */
  readonly name: string
  readonly lost: (image: FolderImage, name: string) => FolderImage
}

/** As SQLite counts: 0 off, 1 normal, 2 full, 3 extra. */
const full = 2

const zeros = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.length)

/**
 * Watches what this process does to one folder: every SQL statement that may write, every write, sync, rename and removal of a
 * file, through node:fs and node:fs/promises. Between two operations the disk may hold either state; what has not been synced
 * may be lost, whatever followed it.
 */
export class DiskWatch {
  readonly moments: Moment[] = []
  readonly #folder: string
  readonly #restore: (() => void)[] = []
  readonly #handles = new Map<unknown, string>()
  /** Databases told not to sync at every commit: whatever their logs hold may be lost. */
  readonly #lazy = new Set<string>()
  #pending: Pending[] = []
  #done = 0

  constructor(folder: string) {
    this.#folder = folder
    this.#watchSql()
    this.#watchFiles()
    this.#watchPromises()
    syncBuiltinESMExports()
    this.#note()
  }

  /** An act has returned: from now on what it did must last. */
  acknowledge(): void {
    this.#done++
    this.#note()
  }

  stop(): void {
    for (const restore of this.#restore) restore()
    syncBuiltinESMExports()
  }

  #note(): void {
    const unsynced = this.#pending.map(({ what, name, lost }) => ({
      what: `unsynced ${name}: ${what}`,
      lost: (image: FolderImage) => lost(image, name),
    }))
    const lazy = [...this.#lazy].map((name) => ({
      what: `${name}: log never synced`,
      lost: (image: FolderImage) => {
        const held = image.databases.get(name)
        return held === undefined ? image : withDatabase(image, name, { ...held, log: new Uint8Array() })
      },
    }))
    this.moments.push({ image: readFolder(this.#folder), unsynced: [...unsynced, ...lazy], done: this.#done })
  }

  #inside(path: unknown): string | undefined {
    const inside = relative(this.#folder, String(path))
    return inside.startsWith('..') ? undefined : inside
  }

  #replace<T extends object, Key extends keyof T>(object: T, key: Key, make: (original: T[Key]) => T[Key]): void {
    const original = object[key]
    object[key] = make(original)
    this.#restore.push(() => {
      object[key] = original
    })
  }

  #wrote(path: string): void {
    const name = this.#inside(path)
    if (name === undefined) return
    const lose = (change: (bytes: Uint8Array) => Uint8Array | null) => (image: FolderImage, at: string) => {
      const bytes = image.files.get(at)
      return bytes === undefined ? image : withFile(image, at, change(bytes))
    }
    this.#pending = this.#pending.filter(({ until }) => until !== path)
    for (const [what, change] of [
      ['missing', () => null],
      ['empty', () => new Uint8Array()],
      ['half', (bytes: Uint8Array) => bytes.subarray(0, bytes.length >> 1)],
      ['cut', (bytes: Uint8Array) => bytes.subarray(0, -1)],
      ['zeros', zeros],
    ] as const)
      this.#pending.push({ what, until: path, name, lost: lose(change) })
    this.#note()
  }

  #synced(path: string | undefined): void {
    if (path === undefined) return
    this.#pending = this.#pending.filter(({ until }) => until !== path)
    this.#note()
  }

  #moved(from: string, to: string): void {
    const [source, target] = [this.#inside(from), this.#inside(to)]
    if (source === undefined || target === undefined) return
    const replaced = this.moments.at(-1)?.image.files.get(target) ?? null
    const under = (path: string, old: string, now: string): string =>
      path === old || path.startsWith(`${old}/`) ? now + path.slice(old.length) : path
    // What was not synced is still not synced under its new name.
    this.#pending = this.#pending.map((each) => ({
      ...each,
      until: under(each.until, from, to),
      name: under(each.name, source, target),
    }))
    this.#pending.push({
      what: 'not renamed',
      until: dirname(to),
      name: target,
      lost: (image) => {
        const back = new Map([...image.files].map(([name, bytes]) => [under(name, target, source), bytes]))
        return replaced === null ? { ...image, files: back } : withFile({ ...image, files: back }, target, replaced)
      },
    })
    this.#note()
  }

  #removed(path: string): void {
    const name = this.#inside(path)
    if (name === undefined) return
    const before = this.moments.at(-1)?.image.files.get(name)
    if (before !== undefined) {
      const lost = (image: FolderImage) => withFile(image, name, before)
      this.#pending.push({ what: 'not removed', until: dirname(path), name, lost })
    }
    this.#note()
  }

  #made(path: string): void {
    const name = this.#inside(path)
    if (name === undefined || name === '') return
    const lost = (image: FolderImage) => withoutFolder(image, name)
    this.#pending.push({ what: 'no folder', until: dirname(path), name, lost })
    this.#note()
  }

  #watchSql(): void {
    const note = () => this.#note()
    // In WAL mode a commit is synced under FULL and EXTRA, and under nothing less (sqlite.org/pragma.html#pragma_synchronous).
    const setting = (database: DatabaseSync, sql: string): void => {
      const name = this.#inside(database.location() ?? '')
      if (name === undefined || !sql.startsWith('PRAGMA synchronous')) return
      const { synchronous } = database.prepare('PRAGMA synchronous').get() ?? {}
      if (Number(synchronous) < full) this.#lazy.add(name)
    }
    this.#replace(
      StatementSync.prototype,
      'run',
      (run) =>
        function (this: StatementSync, ...values: Parameters<typeof run>) {
          const result = run.apply(this, values)
          note()
          return result
        } as typeof run,
    )
    this.#replace(
      DatabaseSync.prototype,
      'exec',
      (exec) =>
        function (this: DatabaseSync, sql) {
          exec.call(this, sql)
          setting(this, sql)
          note()
        },
    )
  }

  #watchFiles(): void {
    this.#replace(fs, 'openSync', (openSync) => (path, flags, mode) => {
      const handle = openSync(path, flags, mode)
      this.#handles.set(handle, String(path))
      // A new or emptied file; SQLite's own is made with 'a' and stays empty.
      if (String(flags).startsWith('w')) this.#wrote(String(path))
      return handle
    })
    this.#replace(
      fs,
      'writeSync',
      (writeSync) =>
        ((handle: number, ...rest: [Uint8Array]) => {
          const count = writeSync(handle, ...rest)
          this.#wrote(this.#handles.get(handle) ?? '')
          return count
        }) as typeof writeSync,
    )
    this.#replace(fs, 'fsyncSync', (fsyncSync) => (handle) => {
      fsyncSync(handle)
      this.#synced(this.#handles.get(handle))
    })
    this.#replace(fs, 'renameSync', (renameSync) => (from, to) => {
      renameSync(from, to)
      this.#moved(String(from), String(to))
    })
    this.#replace(fs, 'rmSync', (rmSync) => (path, options) => {
      rmSync(path, options)
      this.#removed(String(path))
    })
    this.#replace(
      fs,
      'mkdirSync',
      (mkdirSync) =>
        ((path: string, options) => {
          const first = mkdirSync(path, options)
          // `first` is the topmost of the folders that were missing.
          for (let each = path; first !== undefined && each.length >= first.length; each = dirname(each))
            this.#made(each)
          return first
        }) as typeof mkdirSync,
    )
  }

  #watchPromises(): void {
    const { promises } = fs
    this.#replace(promises, 'open', (open) => async (path, flags, mode) => {
      const handle: FileHandle = await open(path, flags, mode)
      const name = String(path)
      if (String(flags).startsWith('w')) this.#wrote(name)
      const { write, writeFile, sync } = handle
      handle.write = (async (...values: Parameters<typeof write>) => {
        const written = await write.apply(handle, values)
        this.#wrote(name)
        return written
      }) as typeof write
      handle.writeFile = async (...values) => {
        await writeFile.apply(handle, values)
        this.#wrote(name)
      }
      handle.sync = async () => {
        await sync.call(handle)
        this.#synced(name)
      }
      return handle
    })
    this.#replace(promises, 'rename', (rename) => async (from, to) => {
      await rename(from, to)
      this.#moved(String(from), String(to))
    })
    this.#replace(promises, 'rm', (rm) => async (path, options) => {
      await rm(path, options)
      this.#removed(String(path))
    })
    this.#replace(
      promises,
      'mkdir',
      (mkdir) =>
        (async (path: string, options) => {
          const first = await mkdir(path, options)
          for (let each = path; first !== undefined && each.length >= first.length; each = dirname(each))
            this.#made(each)
          return first
        }) as typeof mkdir,
    )
  }
}
