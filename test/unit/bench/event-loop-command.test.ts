import { describe, expect, it } from 'vitest'
import { eventLoopCommand } from '../../bench/event-loop-command.ts'
import { toolRun } from '../../harness/tool-run.ts'

const run = toolRun('bench:event-loop', eventLoopCommand)

describe('npm run bench:event-loop', () => {
  it('--help says what is measured, under which load and what is left out', async () => {
    const { out, code } = await run('--help')
    expect(code).toBe(0)
    for (const said of ['monitorEventLoopDelay at 1 ms', 'another process polls it', 'Left out: gradients'])
      expect(out).toContain(said)
  })

  it.each([
    ['--params', '99', 'from 100 to 10000000'],
    ['--repeats', '0', 'from 1 to 1000'],
    ['--repeats', '1.5', 'from 1 to 1000'],
  ])('%s=%s is refused by name', async (option, word, range) => {
    const { out, err, code } = await run(`${option}=${word}`)
    expect(err).toMatch(new RegExp(`ARGUMENT_INVALID.*${range}\\n {2}at ${option}`))
    expect([out, code]).toEqual(['', 4])
  })

  it('measures a thread beside the main thread, which is held up for as long as the work takes', async () => {
    const { out, code } = await run('--params', '100000', '--repeats', '1', '--json')
    expect(code).toBe(0)
    const { cases, goalMilliseconds, machine } = JSON.parse(out)
    expect([goalMilliseconds, machine.cores]).toEqual([50, expect.any(Number)])
    expect(cases.map(({ name }: { name: string }) => name)).toEqual([
      'calls alone',
      'site seals in its thread',
      'site seals on the main thread',
      'coordinator opens in its thread',
      'coordinator opens on the main thread',
    ])
    for (const { name, milliseconds, delay } of cases.slice(1)) {
      expect(delay.samples).toBeGreaterThan(0)
      if (name.endsWith('main thread')) expect(delay.max).toBeGreaterThan(0.9 * milliseconds)
    }
    const calls = cases.reduce((sum: number, each: { calls: { count: number } }) => sum + each.calls.count, 0)
    expect(calls).toBeGreaterThan(0)
  })
})
