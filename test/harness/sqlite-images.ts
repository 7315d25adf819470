import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

/**
 * What a power cut can leave of a SQLite file in WAL mode. A commit appends frames to the log (or writes them over an old log from
 * its start); a checkpoint copies pages into the database. Both are written front to back here; an unsynced tail may be missing,
 * cut inside a frame, or present in length but zero.
 */
export interface SqliteImage {
  readonly database: Uint8Array
  readonly log: Uint8Array
}

const read = (path: string): Uint8Array => (existsSync(path) ? new Uint8Array(readFileSync(path)) : new Uint8Array())

export const readImage = (path: string): SqliteImage => ({ database: read(path), log: read(`${path}-wal`) })

export const writeImage = (path: string, image: SqliteImage): void => {
  for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
  writeFileSync(path, image.database)
  if (image.log.length > 0) writeFileSync(`${path}-wal`, image.log)
}

const headerBytes = 32
const frameHeaderBytes = 24

const firstDifference = (a: Uint8Array, b: Uint8Array): number => {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return i
  return shared
}

/** Every frame boundary of `log` from byte `from` on, and points inside each frame's header and page. */
const cutsOf = (log: Uint8Array, from: number): number[] => {
  if (log.length < headerBytes) return []
  const page = new DataView(log.buffer, log.byteOffset).getUint32(8)
  const cuts = [0, 8, headerBytes - 1]
  for (let at = headerBytes; at < log.length; at += frameHeaderBytes + page) {
    cuts.push(at, at + 10, at + frameHeaderBytes, at + frameHeaderBytes + page / 2, at + frameHeaderBytes + page - 1)
  }
  return cuts.filter((cut) => cut >= from && cut < log.length)
}

/** Start and end of every frame of `log` that byte `from` or a later one is in. */
const framesOf = (log: Uint8Array, from: number): [number, number][] => {
  if (log.length < headerBytes) return []
  const size = frameHeaderBytes + new DataView(log.buffer, log.byteOffset).getUint32(8)
  const frames: [number, number][] = []
  for (let at = headerBytes; at < log.length; at += size) if (at + size > from) frames.push([at, at + size])
  return frames
}

const spliced = (head: Uint8Array, cut: number, tail: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(Math.max(cut, tail.length))
  bytes.set(tail)
  bytes.set(head.subarray(0, cut))
  return bytes
}

/** The images between two moments: `before` and `after` themselves and what lies between. */
export function* crashImages(
  before: SqliteImage,
  after: SqliteImage,
): Generator<SqliteImage & { readonly cut: string }> {
  yield { ...before, cut: 'before' }
  const isSameLog =
    before.log.length === after.log.length && firstDifference(before.log, after.log) === after.log.length
  if (!isSameLog) {
    for (const cut of cutsOf(after.log, firstDifference(before.log, after.log))) {
      const log = spliced(after.log, cut, before.log)
      yield { database: before.database, log, cut: `log cut at ${cut}` }
      const zeroed = new Uint8Array(after.log.length)
      zeroed.set(log.subarray(0, after.log.length))
      yield { database: before.database, log: zeroed, cut: `log zero from ${cut}` }
    }
    // Frames reach the disk in any order before the sync: a later one may be there without an earlier one.
    for (const [from, to] of framesOf(after.log, firstDifference(before.log, after.log)).slice(0, -1)) {
      const log = new Uint8Array(after.log)
      log.fill(0, from, to)
      yield { database: before.database, log, cut: `log without the frame at ${from}` }
    }
    yield { database: before.database, log: after.log, cut: 'log whole' }
  }
  // A checkpoint that stopped between two pages, or inside one; the log is whole meanwhile.
  for (let cut = 2048; cut < after.database.length; cut += 2048) {
    if (firstDifference(before.database, after.database) >= cut) continue
    yield { database: spliced(after.database, cut, before.database), log: after.log, cut: `database cut at ${cut}` }
  }
  yield { ...after, cut: 'after' }
}
