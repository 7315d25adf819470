import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../system/clock.ts'
import { lockDirectory } from './directory-lock.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-lock-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Another process that holds the lock until it is killed. */
const holder = async () => {
  const script = `
    import { lockDirectory } from ${JSON.stringify(join(import.meta.dirname, 'directory-lock.ts'))}
    lockDirectory(${JSON.stringify(folder)}, 'site-agent', { now: () => 1_800_000_000_000, sleep: async () => {} })
    process.stdout.write('held')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

it('a second process is refused, with the first one named; kill -9 leaves no lock behind', async () => {
  const first = await holder()
  expect(() => lockDirectory(folder, 'site-agent', systemClock)).toThrow(
    expect.objectContaining({
      code: 'STORE_LOCKED',
      message: expect.stringMatching(
        `site-agent runs on it: process ${first.pid} on .*, since 2027-01-15T08:00:00.000Z`,
      ),
    }),
  )
  const ended = once(first, 'exit')
  first.kill('SIGKILL')
  await ended
  expect(existsSync(join(folder, 'running.json'))).toBe(true)
  const lock = lockDirectory(folder, 'site-agent', systemClock)
  lock.release()
  expect(existsSync(join(folder, 'running.json'))).toBe(false)
})

it('two at once in one process: one holds it; after its release the other may', () => {
  const lock = lockDirectory(folder, 'coordinator', systemClock)
  expect(() => lockDirectory(folder, 'coordinator', systemClock)).toThrow(
    expect.objectContaining({ code: 'STORE_LOCKED', message: expect.stringContaining(`process ${process.pid}`) }),
  )
  lock.release()
  lockDirectory(folder, 'coordinator', systemClock).release()
})
