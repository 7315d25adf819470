import { afterEach, describe, expect, it, vi } from 'vitest'
import { requireData } from '../harness/requirement.ts'
import { tallyOf } from '../harness/tally.ts'

const report = (
  passed: number,
  failed: number,
  files: { status: string; tests: string[] }[],
  success = failed === 0,
) => ({
  numPassedTests: passed,
  numFailedTests: failed,
  success,
  testResults: files.map(({ status, tests }) => ({
    status,
    assertionResults: tests.map((test) => ({ status: test })),
  })),
})

describe('tally', () => {
  it('counts tests', () => {
    expect(tallyOf(report(3, 1, [{ status: 'failed', tests: ['passed', 'failed'] }]))).toEqual({ passed: 3, failed: 1 })
  })

  it('counts a file that did not load, a run that failed without saying where, and a lost report', () => {
    expect(tallyOf(report(3, 0, [{ status: 'failed', tests: [] }], false))).toEqual({ passed: 3, failed: 1 })
    expect(tallyOf(report(3, 0, [{ status: 'passed', tests: ['passed'] }], false))).toEqual({ passed: 3, failed: 1 })
    expect(tallyOf(undefined)).toEqual({ passed: 0, failed: 1 })
  })
})

describe('a requirement', () => {
  afterEach(() => vi.unstubAllEnvs())

  it('that is there runs its suite', () => {
    expect(requireData('package.json', 'git checkout', () => expect.unreachable()).present).toBe(true)
  })

  it('that is missing is noted and skipped', () => {
    vi.stubEnv('REQUIRE_SERVICES', '')
    const noted: unknown[] = []
    expect(requireData('../nowhere/rows.csv', 'fetch it', (entry) => noted.push(entry)).present).toBe(false)
    expect(noted).toEqual([{ what: '../nowhere/rows.csv', how: 'fetch it' }])
  })

  it('that is missing fails where services are required', () => {
    vi.stubEnv('REQUIRE_SERVICES', '1')
    expect(() => requireData('../nowhere/rows.csv', 'fetch it', () => {})).toThrow('NOT RUN: ../nowhere/rows.csv')
  })
})
