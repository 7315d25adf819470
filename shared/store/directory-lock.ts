import { readFileSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { writePrivateFile } from '../cli/private-file.ts'
import { CodedError } from '../errors.ts'
import type { Clock } from '../ports.ts'
import { openStore, type SqliteStore } from './sqlite.ts'

/** Who holds the lock, for people: the lock itself is the operating system's. */
const holderSchema = z.strictObject({
  program: z.string(),
  pid: z.int(),
  host: z.string(),
  /** ISO 8601. */
  since: z.string(),
})

/** Long enough for a predecessor that was just killed to be gone, ms. */
const waitMs = 1_500

const holderOf = (path: string): string => {
  try {
    const { program, pid, host, since } = holderSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
    return `${program} runs on it: process ${pid} on ${host}, since ${since}`
  } catch {
    return 'another process runs on it'
  }
}

const take = (path: string): SqliteStore => {
  const store = openStore(path, { synchronous: 'FULL', migrations: [], lockWaitMs: waitMs })
  try {
    store.run('BEGIN IMMEDIATE')
    return store
  } catch (thrown) {
    store.close()
    throw thrown
  }
}

/**
 * Makes this process the only one that runs on a data directory, until `release` or its end: SQLite's write lock on a file of
 * its own, which the kernel takes back from a process however it dies, so that no stale lock survives a crash. Commands do not
 * take it. Throws `STORE_LOCKED` after 1.5 seconds, naming the process that holds it.
 */
export const lockDirectory = (dataDir: string, program: string, clock: Clock): { release(): void } => {
  const holder = join(dataDir, 'running.json')
  let store: SqliteStore
  try {
    store = take(join(dataDir, 'running.lock'))
  } catch (thrown) {
    if (!(thrown instanceof CodedError && thrown.code === 'STORE_LOCKED')) throw thrown
    throw new CodedError('STORE_LOCKED', `the data directory is in use; ${holderOf(holder)}`, { cause: thrown })
  }
  const facts = { program, pid: process.pid, host: hostname(), since: new Date(clock.now()).toISOString() }
  writePrivateFile(holder, `${JSON.stringify(facts)}\n`)
  return {
    release: () => {
      rmSync(holder, { force: true }) // first: a successor writes its own
      store.close()
    },
  }
}
