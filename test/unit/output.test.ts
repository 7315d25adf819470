import { printData, printNotice, printWarning, runCommand } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import { Command } from 'commander'
import { WriteStream } from 'node:tty'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

const written = { out: '', err: '' }
beforeEach(() => {
  Object.assign(written, { out: '', err: '' })
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((written.out += text)))
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((written.err += text)))
  process.exitCode = undefined
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

const run = async (action: () => void, ...args: string[]) => {
  const program = new Command('tool')
  program.command('act').option('--json').option('--size <n>').action(action)
  await runCommand(program, ['node', 'tool', ...args])
  const exit = process.exitCode
  process.exitCode = undefined
  return exit ?? 0
}

const refuse = () => {
  throw new CodedError('BUDGET_EXCEEDED', 'too much', { place: { file: 'a.yaml', line: 3 } })
}

it('data goes to stdout: an envelope with --json, else lines or a table', async () => {
  expect(await run(() => printData({ a: 1n }, { json: true }), 'act', '--json')).toBe(0)
  expect(JSON.parse(written.out)).toEqual({ schema_version: 1, status: 'ok', data: { a: 1 } })
  written.out = ''
  printData({ site: 'north', expires: null })
  printData([{ site: 'north' }, { site: 'west', state: 'revoked' }])
  printData([])
  expect(written.out).toBe('site: north\nexpires: -\nsite   state\nnorth  -\nwest   revoked\n(none)\n')
})

it('the next command is a notice, or a key of the data; --quiet keeps warnings alone', async () => {
  const act = () => {
    printWarning('synthetic')
    printNotice('by the way')
    printData({ a: 1 }, { next: 'tool act' })
  }
  expect(await run(act, 'act')).toBe(0)
  expect(written).toEqual({ out: 'a: 1\n', err: 'warning synthetic\nby the way\nnext: tool act\n' })
  for (const quiet of ['-q', '--quiet']) {
    Object.assign(written, { out: '', err: '' })
    expect(await run(act, quiet, 'act')).toBe(0)
    expect(await run(act, 'act', quiet)).toBe(0)
    expect(written).toEqual({ out: 'a: 1\na: 1\n', err: 'warning synthetic\nwarning synthetic\n' })
  }
  written.out = ''
  printData({ a: 1 }, { json: true, next: 'tool act' })
  expect(JSON.parse(written.out)).toMatchObject({ data: { a: 1, next: 'tool act' } })
})

it('colour is for a terminal, and not for one that asked for none', async () => {
  const { stderr } = process
  const { isTTY, getColorDepth } = stderr
  const environment = { ...process.env }
  try {
    Object.assign(stderr, { isTTY: true, getColorDepth: WriteStream.prototype.getColorDepth })
    for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'TMUX', 'CI']) delete process.env[name]
    process.env['TERM'] = 'xterm'
    await run(refuse, 'act')
    expect(written.err).toContain('\u001b[31merror BUDGET_EXCEEDED\u001b[39m: too much')
    written.err = ''
    await run(refuse, 'act', '--no-color')
    expect(written.err).not.toContain('\u001b')
  } finally {
    Object.assign(stderr, { isTTY, getColorDepth })
    process.env = environment
  }
})

it('an error goes to stderr with place and hint, and the exit code of its class', async () => {
  expect(await run(refuse, 'act')).toBe(6)
  expect(written).toEqual({
    out: '',
    err: expect.stringMatching(/^error BUDGET_EXCEEDED: too much\n {2}at a\.yaml, line 3\n {2}hint: Ask for/),
  })
})

it('with --json an error is one envelope on stdout', async () => {
  expect(await run(refuse, 'act', '--json')).toBe(6)
  expect(written.err).toBe('')
  expect(JSON.parse(written.out)).toMatchObject({ status: 'error', error_code: 'BUDGET_EXCEEDED', message: 'too much' })
})

it('a bug shows neither its text nor a stack', async () => {
  const fail = () => {
    throw new RangeError('patient 4711')
  }
  expect(await run(fail, 'act')).toBe(5)
  expect(written.err).not.toMatch(/4711|at .*\.ts/)
})

it('--format json asks for the envelope of an error as well', async () => {
  const program = new Command('tool')
  program.command('act').option('--format <layout>').action(refuse)
  for (const words of [['--format', 'json'], ['--format=json']]) {
    Object.assign(written, { out: '', err: '' })
    await runCommand(program, ['node', 'tool', 'act', ...words])
    expect(JSON.parse(written.out)).toMatchObject({ error_code: 'BUDGET_EXCEEDED' })
  }
})

it('usage errors exit with 4, help with 0', async () => {
  expect(await run(refuse, 'act', '--colour')).toBe(4)
  expect(await run(refuse, 'unknown')).toBe(4)
  expect(await run(refuse, 'act', '--size')).toBe(4)
  expect(written.err).toMatch(/error ARGUMENT_INVALID: .*--colour/)
  expect(await run(refuse)).toBe(4)
  expect(written.err).toContain('Usage: tool')
  expect(await run(refuse, 'act', '--help')).toBe(0)
  expect(await run(refuse, 'act', '--colour', '--json')).toBe(4)
  expect(JSON.parse(written.out.slice(written.out.lastIndexOf('\n{') + 1))).toMatchObject({
    error_code: 'ARGUMENT_INVALID',
  })
})
