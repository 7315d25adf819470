import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '@tributary/shared/cli/output'
import { systemClock as clock } from '@tributary/shared/system/clock'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { initialised } from '../../test/harness/completed-study.ts'
import { addRunCommands } from './run-commands.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'tributary-up-'))
beforeAll(async () => {
  await initialised(dataDir, clock)
})
afterAll(() => rmSync(dataDir, { recursive: true }))
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

it('up --json prints an event a line, each of one schema, and its help says so', async () => {
  const program = new Command('coordinator')
  addRunCommands(program, { clock })
  const help = program.commands.find((command) => command.name() === 'up')?.helpInformation() ?? ''
  expect(help.replaceAll(/\s+/g, ' ')).toContain('--json print one JSON object a line per event')
  let out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += text)))
  const options = ['--data-dir', dataDir, '--listen', '127.0.0.1:0', '--http', '127.0.0.1:0', '--json']
  const up = runCommand(program, ['node', 'coordinator', 'up', ...options])
  while (!out.includes('listening') && process.exitCode === undefined) await clock.sleep(10)
  process.emit('SIGTERM', 'SIGTERM')
  await up
  const events = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(events).toEqual([
    { schema_version: 1, event: 'listening', address: expect.any(String), http: expect.stringMatching(/^http:/) },
    { schema_version: 1, event: 'stopped', peakMemoryBytes: expect.any(Number) },
  ])
})
