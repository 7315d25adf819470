import { existsSync, readFileSync } from 'node:fs'
import type { NotRun } from './requirement.ts'

/** The part of vitest's JSON report that is counted. */
export interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly success: boolean
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly { readonly status: string }[]
  }[]
}

export interface Tally {
  readonly passed: number
  readonly failed: number
}

/** A file that failed without a failed test (it did not load, or a hook broke) counts as one failure; so does a lost report. */
export const tallyOf = (report: Report | undefined): Tally => {
  if (report === undefined) return { passed: 0, failed: 1 }
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length
  const failed = report.numFailedTests + broken
  return { passed: report.numPassedTests, failed: failed === 0 && !report.success ? 1 : failed }
}

export const readReport = (path: string): Report | undefined =>
  existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Report) : undefined

export const readNotRun = (path: string): NotRun[] => {
  if (!existsSync(path)) return []
  const lines = new Set(readFileSync(path, 'utf8').split('\n').filter(Boolean))
  return [...lines].map((line) => JSON.parse(line) as NotRun)
}
