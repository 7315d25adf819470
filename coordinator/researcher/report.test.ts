import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loggedInForAll } from '../../test/harness/logged-in.ts'
import { requestId, requestView } from '../../test/harness/researchers-server.ts'

const at = loggedInForAll()
const { run } = at

describe('report', () => {
  it('tells the summary, and passes all of it through with --json', async () => {
    const { out } = await run('report', '8kq2')
    for (const part of [
      /SYNTHETIC +release rel-77zz/,
      /verdict +usable: Most cells are known\.\n +Pairs are coarser\./,
      /epsilon 1 public, 1\.3 to a site; delta 1e-6; unit = one patient/,
      /fidelity +118 of 120 cells/,
      /not for +decisions about a patient/,
    ])
      expect(out).toMatch(part)
    expect((await run('report', '8kq2', '--json')).envelope().data).toMatchObject({ tributary: 'report/1' })
  })

  it('saves the page, and never over another file', async () => {
    const file = join(at.home, 'report.html')
    expect((await run('report', '8kq2', '--html', file)).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toContain('SYNTHETIC')
    writeFileSync(file, 'mine')
    expect((await run('report', '8kq2', '--html', file)).code).toBe(1)
    expect(readFileSync(file, 'utf8')).toBe('mine')
    expect((await run('report', '8kq2', '--html', join(at.home, 'new/r.html'))).code).toBe(0)
    expect((await run('report', '8kq2', '--html', join(file, 'r.html'))).code).toBe(4)
  })

  it('of a request that is not done says what to wait for; of one that failed, why', async () => {
    at.server.showRequest(requestView({ state: 'running' }))
    expect((await run('report', '8kq2', '--json')).envelope()).toMatchObject({
      error_code: 'NOT_FOUND',
      hint: `Run \`tributary status ${requestId} --wait\` first.`,
    })
    const error = { error_code: 'SUPPORT_TOO_SMALL', message: 'nobody matches', hint: 'Ask for more.' }
    at.server.showRequest(requestView({ state: 'failed', error }))
    expect((await run('report', '8kq2', '--json')).envelope()).toMatchObject({ hint: 'Ask for more.' })
    expect((await run('status', '8kq2')).out).toContain('failed: SUPPORT_TOO_SMALL, nobody matches')
  })
})
