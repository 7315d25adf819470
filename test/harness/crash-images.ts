import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { DiskWatch, type Moment } from './disk-watch.ts'
import { type FolderImage, folderHash, withDatabase, withFile, writeFolder } from './folder-image.ts'
import { crashImages } from './sqlite-images.ts'

/** A store and what is done to it, one act after the other. An act that returns has been acknowledged. */
export interface StoreHistory<Store extends object> {
  /** Opens or creates the store in a folder of its own. */
  readonly open: (folder: string) => Store | Promise<Store>
  readonly close: (store: Store) => void
  readonly acts: readonly ((store: Store) => unknown)[]
  /** Everything that the store can be asked, comparable; throws when the store is not consistent. */
  readonly state: (store: Store) => unknown
  /** What else must hold of a survivor; may change it. `done` acts were acknowledged, -1 while it was being created. */
  readonly check?: (survivor: Store, done: number) => unknown
}

export interface CrashReport {
  /** Different folders that a power cut may have left, each opened. */
  readonly images: number
  readonly moments: number
  /** What went wrong, in words; empty when the store is sound. */
  readonly breaches: readonly string[]
}

type CutImage = FolderImage & { readonly cut: string }

const partsOf = (bytes: Uint8Array): Uint8Array[] => [
  bytes.subarray(0, bytes.length >> 1),
  new Uint8Array(bytes.length),
]

/** What the disk may hold between two moments: either, anything in between, either without what was never synced. */
function* between(before: Moment, after: Moment): Generator<CutImage> {
  for (const [name, database] of after.image.databases) {
    const earlier = before.image.databases.get(name) ?? { database: new Uint8Array(), log: new Uint8Array() }
    for (const image of crashImages(earlier, database))
      yield { ...withDatabase(before.image, name, image), cut: image.cut }
  }
  for (const [name, bytes] of after.image.files) {
    const earlier = before.image.files.get(name)
    if (earlier !== undefined && Buffer.compare(earlier, bytes) === 0) continue
    for (const part of partsOf(bytes))
      if (before.image.files.has(name)) yield { ...withFile(before.image, name, part), cut: `${name} written in part` }
  }
  yield { ...after.image, cut: 'after' }
  for (const { what, lost } of after.unsynced) yield { ...lost(after.image), cut: what }
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
  const states: unknown[] = []
  const known = new Map<string, unknown>()
  const seen = new Set<string>()
  /** The moment at which the acts that had returned at moment i had just returned. */
  const start = (i: number): number => moments.findIndex(({ done }) => done === moments[i]!.done)
  for (const [i, after] of moments.entries()) {
    const whole = folderHash(after.image)
    if (!known.has(whole)) known.set(whole, await reopened(history, copy, after.image, history.state))
    states.push(known.get(whole))
    if (start(i) === i && after.done > 0 && !isDeepStrictEqual(states[i], promised[after.done - 1]))
      breaches.push(`act ${after.done - 1} returned and is not all there`)
    const before = moments[i - 1] ?? after
    const first = start(Math.max(i - 1, 0))
    for (const { cut, ...image } of between(before, after)) {
      const key = `${folderHash(image)} ${first}`
      if (seen.has(key)) continue
      seen.add(key)
      const where = `${before.done} acts done, moment ${i}, ${cut}`
      try {
        await reopened(history, copy, image, async (survivor) => {
          const state = await history.state(survivor)
          if (!states.slice(first).some((each) => isDeepStrictEqual(each, state)))
            breaches.push(`${where}: a state that never was, or was before what is acknowledged`)
          await history.check?.(survivor, before.done - 1)
        })
      } catch (thrown) {
        breaches.push(`${where}: ${String(thrown)}`)
      }
    }
  }
  return { images: seen.size, moments: moments.length, breaches }
}

/**
 * Performs the acts and watches the disk; then opens the store on every image that a power cut at any moment may have left. It
 * must open, and its state must be one that the history went through: not earlier than what was acknowledged, not later than
 * what was under way.
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
      for (const act of [() => undefined, ...history.acts]) {
        await act(store)
        watch.acknowledge()
        promised.push(await history.state(store))
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
