import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isDeepStrictEqual } from 'node:util'
import { DiskWatch, type Moment } from './disk-watch.ts'
import { type FolderImage, folderHash, readFolder, withDatabase, withFile, writeFolder } from './folder-image.ts'
import { crashImages } from './sqlite-images.ts'

/**
 * A store and what is done to it, one act after the other. An act that returns has been acknowledged; one that acknowledges
 * something before it returns calls `promise`.
 */
export interface StoreHistory<Store extends object> {
  /** Opens or creates the store in a folder of its own. */
  readonly open: (folder: string) => Store | Promise<Store>
  readonly close: (store: Store) => void
  readonly acts: readonly ((store: Store, promise: () => void) => unknown)[]
  /** What the store can be asked, comparable; throws when the store is not consistent. Reading changes nothing. */
  readonly state: (store: Store) => unknown
  /** What else must hold of a survivor; may change it. `done` promises were given, -1 while it was being created. */
  readonly check?: (survivor: Store, done: number) => unknown
}

export interface CrashReport {
  /** Different folders that a power cut may have left, each opened. */
  readonly images: number
  readonly moments: number
  /** What went wrong, in words; empty when the store is sound. */
  readonly breaches: readonly string[]
}

type CutImage = FolderImage & { readonly cut: string; readonly done: number }

const partsOf = (bytes: Uint8Array): Uint8Array[] => [
  bytes.subarray(0, bytes.length >> 1),
  new Uint8Array(bytes.length),
]

/** What the disk may hold between two moments: either, anything in between, either without what was never synced. */
function* between(before: Moment, after: Moment): Generator<CutImage> {
  const { done } = before
  for (const [name, database] of after.image.databases) {
    const earlier = before.image.databases.get(name) ?? { database: new Uint8Array(), log: new Uint8Array() }
    for (const { cut, ...image } of crashImages(earlier, database))
      yield { ...withDatabase(before.image, name, image), cut, done }
  }
  for (const [name, bytes] of after.image.files) {
    const earlier = before.image.files.get(name)
    if (earlier === undefined || Buffer.compare(earlier, bytes) === 0) continue
    for (const part of partsOf(bytes))
      yield { ...withFile(before.image, name, part), cut: `${name} written in part`, done }
  }
  yield { ...after.image, cut: 'after', done: after.done }
  for (const { what, lost } of after.unsynced) yield { ...lost(after.image), cut: what, done: after.done }
}

/** Memory where there is some: every store syncs at every commit. */
const fastFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** Opens the store on an image and lets it be looked at. */
const reopened = async <Store extends object>(
  { open, close }: StoreHistory<Store>,
  copy: string,
  image: FolderImage,
  look: (store: Store) => unknown,
): Promise<unknown> => {
  writeFolder(copy, image)
  const store = await open(copy)
  try {
    return await look(store)
  } finally {
    close(store)
  }
}

const examine = async <Store extends object>(
  history: StoreHistory<Store>,
  moments: readonly Moment[],
  promised: readonly unknown[],
  copy: string,
): Promise<CrashReport> => {
  const breaches: string[] = []
  const seen = new Set<string>()
  for (const [i, after] of moments.entries()) {
    for (const { cut, done, ...image } of between(moments[i - 1] ?? after, after)) {
      const key = `${folderHash(image)} ${done}`
      if (seen.has(key)) continue
      seen.add(key)
      const where = `${done} acts done, moment ${i}, ${cut}`
      // An act is there as a whole or not at all; the opening counts as the first.
      const sound = done === 0 ? promised.slice(0, 1) : promised.slice(done - 1, done + 1)
      try {
        await reopened(history, copy, image, async (survivor) => {
          const state = await history.state(survivor)
          if (!sound.some((each) => isDeepStrictEqual(each, state)))
            breaches.push(`${where}: neither what was acknowledged nor what was under way`)
          await history.check?.(survivor, done - 1)
        })
      } catch (thrown) {
        breaches.push(`${where}: ${String(thrown)}`)
      }
    }
  }
  return { images: seen.size, moments: moments.length, breaches }
}

/** Copies the logs into the databases, as SQLite does by itself every thousand pages. */
const checkpoint = (folder: string): void => {
  for (const name of readFolder(folder).databases.keys()) {
    const database = new DatabaseSync(join(folder, name))
    database.exec('PRAGMA wal_checkpoint(RESTART)')
    database.close()
  }
}

/**
 * Performs the acts and watches the disk; then opens the store on every image that a power cut at any moment may have left. It
 * must open, and hold what was acknowledged, with the act that was under way as a whole or not at all.
 */
export const crashEverywhere = async <Store extends object>(history: StoreHistory<Store>): Promise<CrashReport> => {
  const folder = mkdtempSync(join(fastFolder, 'tributary-crash-'))
  const [home, copy] = [join(folder, 'home'), join(folder, 'copy')]
  mkdirSync(home)
  try {
    const watch = new DiskWatch(home)
    const promised: unknown[] = []
    try {
      const store = await history.open(home)
      const promise = (): void => {
        watch.acknowledge()
        promised.push(history.state(store))
      }
      for (const [i, act] of [() => undefined, ...history.acts].entries()) {
        await act(store, promise)
        watch.acknowledge()
        promised.push(await history.state(store))
        // Now and then: the next commit starts the log from its beginning.
        if (i % 3 === 2) checkpoint(home)
      }
      history.close(store)
    } finally {
      watch.stop()
    }
    return await examine(history, watch.moments, promised, copy)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Throws the breaches, if there are any, or says that too few images were looked at to prove much. */
export const expectSound = async <Store extends object>(history: StoreHistory<Store>): Promise<void> => {
  const { breaches, images } = await crashEverywhere(history)
  if (breaches.length > 0) throw new Error(breaches.join('\n'))
  if (images < 4 * history.acts.length) throw new Error(`only ${images} images of ${history.acts.length} acts`)
}
