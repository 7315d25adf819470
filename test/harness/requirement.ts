import { appendFileSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'vitest'
import { root } from './sources.ts'

/** Where the suites that could not run are noted, one JSON object a line; `npm test` clears it and sums it up. */
export const notRunFile = join(root, 'out/reports/not-run.jsonl')

export interface NotRun {
  readonly what: string
  readonly how: string
}

export interface Requirement {
  readonly present: boolean
  /** Absolute. */
  readonly path: string
  /** `describe` when present; otherwise a block whose tests are counted apart, as not run. */
  readonly describe: typeof describe | typeof describe.skip
}

/**
 * A suite that needs `path` (relative to the repository, or absolute) says how to get it. When it is missing the suite prints
 * `NOT RUN: ...` and is counted apart; with REQUIRE_SERVICES=1, as `.ci/run` sets it, that throws and so fails.
 */
export const requireData = (path: string, how: string, note: (entry: NotRun) => void = record): Requirement => {
  const absolute = join(path.startsWith('/') ? '/' : root, path)
  if (existsSync(absolute)) return { present: true, path: absolute, describe }
  note({ what: path, how })
  if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`NOT RUN: ${path} is missing (${how})`)
  return { present: false, path: absolute, describe: describe.skip }
}

/** The same for something this machine must be able to do, such as mounting a small file system. */
export const requireAbility = (what: string, how: string, present: boolean): typeof describe | typeof describe.skip => {
  if (present) return describe
  record({ what, how })
  if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`NOT RUN: ${what} (${how})`)
  return describe.skip
}

const record = (entry: NotRun): void => {
  mkdirSync(join(notRunFile, '..'), { recursive: true })
  appendFileSync(notRunFile, `${JSON.stringify(entry)}\n`)
  console.log(`NOT RUN: ${entry.what} (${entry.how})`)
}
