import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { numberField, ProgramHost, textField } from './program.ts'

/** A program that behaves as its first argument says. */
const script = `
const say = (value) => process.stdout.write(JSON.stringify(value) + '\\n')
const stay = () => setInterval(() => {}, 1000)
const [what] = process.argv.slice(2)
process.stderr.write('log of ' + what + '\\n')
if (what === 'answer') say({ schema_version: 1, status: 'ok', data: { token: 'abc', n: 3 } })
if (what === 'refuse') {
  say({ schema_version: 1, status: 'error', error_code: 'BUDGET_EXCEEDED', message: 'too much' })
  process.exitCode = 6
}
if (what === 'silent') process.exitCode = 1
if (what === 'serve') {
  process.on('SIGTERM', () => { say({ event: 'stopped', peakMemoryBytes: 9 }); process.exit(0) })
  say({ event: 'listening', address: '127.0.0.1:1' })
  stay()
}
if (what === 'stubborn') { process.on('SIGTERM', () => {}); say({ event: 'listening' }); stay() }
`

let folder = ''
let file = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-program-'))
  file = join(folder, 'program.js')
  writeFileSync(file, script)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const hosted = async (work: (host: ProgramHost) => Promise<void>): Promise<void> => {
  const host = new ProgramHost(join(folder, 'logs'))
  try {
    await work(host)
  } finally {
    await host.close()
  }
}

describe('program', () => {
  it('a command answers with its data; stderr is its log', () =>
    hosted(async (host) => {
      const data = await host.call('north', file, ['answer'])
      expect(textField(data, 'token')).toBe('abc')
      expect(numberField(data, 'n')).toBe(3)
      expect(() => textField(data, 'fingerprint')).toThrow('lacks fingerprint')
      await host.close()
      expect(readFileSync(join(folder, 'logs/north.log'), 'utf8')).toContain('log of answer')
    }))

  it('a refusal keeps its code and names the log; silence is a bug', () =>
    hosted(async (host) => {
      const refusal = host.call('north', file, ['refuse'])
      await expect(refusal).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' })
      await expect(refusal).rejects.toThrow(/^north: too much \(log: .*north\.log\)$/)
      await expect(host.call('north', file, ['silent'])).rejects.toMatchObject({ code: 'INTERNAL' })
    }))

  it('a service tells its events and stops when asked, with last words', () =>
    hosted(async (host) => {
      const service = host.start('coordinator', file, ['serve'])
      expect(await service.event('listening')).toMatchObject({ address: '127.0.0.1:1' })
      await service.stop()
      expect(service.isGone).toBe(true)
      expect(await service.event('stopped')).toMatchObject({ peakMemoryBytes: 9 })
    }))

  it('an event that never comes rejects when the program ends', () =>
    hosted(async (host) => {
      const service = host.start('north', file, ['refuse'])
      await expect(service.event('listening')).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' })
    }))

  it('one that will not stop is killed, and closing the host leaves nobody behind', () =>
    hosted(async (host) => {
      const stubborn = host.start('north', file, ['stubborn'])
      await stubborn.event('listening')
      await stubborn.stop(50)
      expect(await stubborn.ended).toMatchObject({ signal: 'SIGKILL' })
      const left = host.start('north', file, ['serve'])
      await left.event('listening')
      await host.close()
      expect(await left.ended).toMatchObject({ signal: 'SIGKILL' })
    }))
})
