import { describe, expect, it } from 'vitest'
import { toolRun } from '../../harness/tool-run.ts'
import { auditCommand } from '../../audit/audit-command.ts'

const run = toolRun('audit', auditCommand)

describe('npm run audit', () => {
  it('--help says what is audited, with examples', async () => {
    const { out, code } = await run('--help')
    expect(code).toBe(0)
    expect(out).toContain('added in the clear, not sealed')
    expect(out).toContain('$ npm run -s audit -- --canaries 2048 --json')
  })

  it.each(['255', '16385', '1e3', '300.5', '', '-300', 'many'])('--canaries %j is refused by name', async (word) => {
    const { err, out, said, code } = await run(`--canaries=${word}`)
    expect(err).toMatch(/ARGUMENT_INVALID.*from 256 to 16384\n {2}at --canaries/)
    expect([out, said.length, code]).toEqual(['', 0, 4])
  })

  it('refuses an option that it does not know', async () => {
    expect(await run('--canary', '300')).toMatchObject({ code: 4, out: '' })
  })

  it('prints one bare object with --json, and says meanwhile what it does', async () => {
    const { out, said, code } = await run('--canaries', '256', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ passed: true, lines: [{ canaries: 256 }, {}, {}, { refuted: [] }] })
    expect(said.at(-1)).toBe('counted-pairs: sum 69')
  })
})
