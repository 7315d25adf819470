import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const marker = '.tributary-run'

/** Makes the folder a run's own, before anything else is written to it: only then may a later run replace what it holds. */
export const markRunFolder = (folder: string): void => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, marker), 'Written by a run of Tributary; federate --force replaces its files.\n')
}

const isRunReport = (file: string): boolean => {
  if (!existsSync(file)) return false
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as { study?: unknown; rounds?: unknown } | null
    return typeof report?.study === 'string' && Array.isArray(report.rounds)
  } catch {
    return false
  }
}

/** True when a run wrote to it: it is marked, or holds a report of ours. */
export const isRunFolder = (folder: string): boolean =>
  existsSync(join(folder, marker)) || isRunReport(join(folder, 'run.json'))
