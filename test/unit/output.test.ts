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

const escape = '\u001b[31m\u009b2J\u202e'

it('text from elsewhere cannot steer the terminal: data, places, messages, notices, options', async () => {
  const act = () => {
    printData([{ user: 'ada', detail: `why${escape}\nforged: line` }], { next: `tool ${escape}` })
    printData({ [`key${escape}`]: [escape] }, { text: `own ${escape}\nlines` })
    printNotice(`notice ${escape}`)
    printWarning(`warning ${escape}`)
    const place = { file: `a${escape}.yaml`, column: escape }
    throw new CodedError('BUDGET_EXCEEDED', `too ${escape}much\nreally`, { place })
  }
  expect(await run(act, 'act')).toBe(6)
  expect(await run(act, 'act', `--col${escape}our`)).toBe(4)
  expect(written.out + written.err).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u)
  expect(written.out).toContain('why [31m 2J  forged: line\n')
  expect(written.out).toContain('own  [31m 2J \nlines\n')
  expect(written.err).toContain('much\nreally\n')
})

it('what --json says is exact, and still nothing that a terminal obeys', async () => {
  const data = { purpose: `a${escape}\u2028b\u007f` }
  expect(await run(() => printData(data, { json: true }), 'act', '--json')).toBe(0)
  expect(JSON.parse(written.out).data).toEqual(data)
  expect(written.out.trimEnd()).not.toMatch(/[\p{Cc}\p{Zl}\u202e]/u)
})

it('the content of a file goes out as it is, but not to a terminal', () => {
  printData({}, { text: `a,"b\rc"${escape}`, isExact: true })
  expect(written.out).toBe(`a,"b\rc"${escape}\n`)
  const { isTTY } = process.stdout
  try {
    written.out = ''
    Object.assign(process.stdout, { isTTY: true })
    printData({}, { text: `a,"b\rc"${escape}`, isExact: true })
    expect(written.out).toBe('a,"b c" [31m 2J \n')
  } finally {
    Object.assign(process.stdout, { isTTY })
  }
})

it('with --json help and version are data, in one envelope, wherever --json stands', async () => {
  const program = () => {
    const tool = new Command('tool').version('1.2.3')
    tool.command('act').option('--json').addHelpText('before', 'an example')
    return tool
  }
  const shown = async (...words: string[]) => {
    Object.assign(written, { out: '', err: '' })
    await runCommand(program(), ['node', 'tool', ...words])
    expect({ err: written.err, exit: process.exitCode ?? 0 }).toEqual({ err: '', exit: 0 })
    return JSON.parse(written.out)
  }
  for (const words of [
    ['--version', '--json'],
    ['--json', '-V'],
  ])
    expect(await shown(...words)).toEqual({ schema_version: 1, status: 'ok', data: { version: '1.2.3' } })
  for (const words of [
    ['act', '--help', '--json'],
    ['act', '--json', '-h'],
    ['help', 'act', '--json'],
  ])
    expect(await shown(...words)).toEqual({
      schema_version: 1,
      status: 'ok',
      data: { help: expect.stringMatching(/^an example\nUsage: tool act/) },
    })
  expect((await shown('--help', '--json')).data.help).toMatch(/^Usage: tool/)
})

it('what a command writes through commander is not lost with --json', async () => {
  const program = new Command('tool')
  program
    .command('act')
    .option('--json')
    .action(() => program.configureOutput().writeOut?.('{"status":"ok"}\n'))
  await runCommand(program, ['node', 'tool', 'act', '--json'])
  expect(written.out).toBe('{"status":"ok"}\n')
})

it('usage errors exit with 4, help with 0', async () => {
  expect(await run(refuse, 'act', '--colour')).toBe(4)
  expect(await run(refuse, 'unknown')).toBe(4)
  expect(await run(refuse, 'act', '--size')).toBe(4)
  expect(written.err).toMatch(/error ARGUMENT_INVALID: .*--colour/)
  expect(await run(refuse)).toBe(4)
  expect(written.err.match(/Usage: tool/g)).toHaveLength(1)
  expect(written.err).toContain('error ARGUMENT_INVALID: a command is missing\n')
  written.err = ''
  expect(await run(refuse, 'actt')).toBe(4)
  expect(written.err).toMatch(/^error ARGUMENT_INVALID: unknown command 'actt' \(Did you mean act\?\)\n {2}hint: /)
  expect(await run(refuse, 'act', '--help')).toBe(0)
  expect(await run(refuse, 'act', '--colour', '--json')).toBe(4)
  expect(JSON.parse(written.out.slice(written.out.lastIndexOf('\n{') + 1))).toMatchObject({
    error_code: 'ARGUMENT_INVALID',
  })
})
