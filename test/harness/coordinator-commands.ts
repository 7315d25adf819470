import { runCommand } from '@tributary/shared/cli/output'
import type { Clock } from '@tributary/shared/ports'
import { Command } from 'commander'
import { afterEach, beforeEach, vi } from 'vitest'

/** Command lines of `coordinator` in this process, always with --json: their data, or their error code. */
export const coordinatorCommands = (
  add: (program: Command, ports: { clock: Clock }) => unknown,
  group: string,
  { clock, dataDir }: { readonly clock: Clock; readonly dataDir: string },
) => {
  let out = ''
  beforeEach(() => {
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += text)))
  })
  afterEach(() => {
    vi.restoreAllMocks()
    process.exitCode = undefined
  })
  const run = async (...args: string[]) => {
    const program = new Command('coordinator')
    add(program, { clock })
    out = ''
    const folder = args.includes('--data-dir') ? [] : ['--data-dir', dataDir]
    await runCommand(program, ['node', 'coordinator', group, ...args, ...folder, '--json'])
    const { data, error_code } = JSON.parse(out)
    return { data, error: error_code }
  }
  return { run, printed: () => out }
}
