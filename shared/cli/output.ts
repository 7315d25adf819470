import { styleText } from 'node:util'
import { asCodedError, CodedError, exitCode, type Place } from '../errors.ts'
import { plainText, wholeNumbers } from './plain-text.ts'
import { printable, printableLines } from './printable.ts'
import { guardStandardOutput } from './standard-output.ts'

/**
 * What every command prints: data on stdout, all else on stderr. With --json, one envelope on stdout,
 * `{schema_version, status: 'ok', data}` or `{schema_version, status: 'error', error_code, message, place, hint}`.
 */
const schemaVersion = 1

/** Whether this command line asked for results and errors alone; read by `runCommand`, one command a process. */
let isQuiet = false

/** Colour on a terminal's stderr only, and never under --no-color or NO_COLOR. */
const painted = (style: 'red' | 'yellow' | 'dim', text: string): string =>
  styleText(style, text, { stream: process.stderr })

/** The data exactly, to whoever parses it; what JSON leaves as it is and a terminal would obey is written as \\u. */
const jsonLine = (value: object): string =>
  `${JSON.stringify(value, wholeNumbers).replaceAll(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )}\n`

/** Whether the one envelope of this command line is out. */
let isAnswered = false

const printEnvelope = (envelope: object): void => {
  isAnswered = true
  process.stdout.write(jsonLine({ schema_version: schemaVersion, ...envelope }))
}

/** Whether notices and progress are to be left out. */
export const isQuietRun = (): boolean => isQuiet

/** A line for the person at the terminal, on stderr; --quiet drops it. */
export const printNotice = (text: string): void => {
  if (!isQuiet) process.stderr.write(`${printableLines(text)}\n`)
}

/** A line that --quiet keeps: what the result must not be read without. */
export const printWarning = (text: string): void => {
  process.stderr.write(`${painted('yellow', 'warning')} ${printableLines(text)}\n`)
}

interface PrintOptions {
  readonly json?: boolean
  readonly text?: string
  /** `text` is what a file is to hold (CSV), not words for people: off a terminal it goes out as it is. */
  readonly isExact?: boolean
  /** The command to run next: a notice, or a key `next` of the data where that is an object. */
  readonly next?: string
}

/**
 * Prints a command's result: the envelope with `json`, else `text` or a plain rendering (a table for a list of objects). What
 * people read holds no control characters, wherever the data came from; the envelope's data is exact.
 */
export const printData = (
  data: unknown,
  { json = false, text = plainText(data), isExact = false, next }: PrintOptions = {},
): void => {
  if (json) {
    const isRecord = typeof data === 'object' && data !== null && !Array.isArray(data)
    printEnvelope({ status: 'ok', data: isRecord && next !== undefined ? { ...data, next } : data })
    return
  }
  process.stdout.write(`${isExact && !process.stdout.isTTY ? text : printableLines(text)}\n`)
  if (next !== undefined && !isQuiet) process.stderr.write(`${painted('dim', `next: ${printable(next)}`)}\n`)
}

const placeText = ({ file, line, row, column, field }: Place): string =>
  [
    file,
    line !== undefined && `line ${line}`,
    row !== undefined && `row ${row}`,
    column !== undefined && `column ${column}`,
    field,
  ]
    .filter((part) => typeof part === 'string')
    .join(', ')

const printError = (error: CodedError, json: boolean): void => {
  if (json) {
    const { code, message, place, help } = error
    printEnvelope({ status: 'error', error_code: code, message, place, hint: help })
    return
  }
  const where = printable(placeText(error.place))
  const title = painted('red', `error ${error.code}`)
  const told = `${printableLines(error.message)}\n${where && `  at ${where}\n`}  hint: ${printableLines(error.help)}\n`
  process.stderr.write(`${title}: ${told}`)
}

interface Writers {
  writeOut(text: string): void
  writeErr(text: string): void
}

/** As much of commander's Command as is needed here; the workspaces bring commander themselves. */
export interface Program {
  readonly commands: readonly Program[]
  readonly options?: readonly { readonly long?: string | undefined }[]
  option?(flags: string, description: string): unknown
  configureHelp?(configuration: { showGlobalOptions: boolean }): unknown
  exitOverride(): unknown
  configureOutput(configuration: Partial<Writers>): unknown
  parseAsync(argv: readonly string[]): Promise<unknown>
}

const prepare = (program: Program, writers: Partial<Writers>): void => {
  program.exitOverride()
  program.configureOutput(writers)
  program.configureHelp?.({ showGlobalOptions: true })
  for (const command of program.commands) prepare(command, writers)
}

/** The options of every command of every program; commander finds them before and after a command's name. */
const addGlobalOptions = (program: Program): void => {
  if (program.options?.some(({ long }) => long === '--quiet')) return
  program.option?.('-q, --quiet', 'print results and errors only')
  program.option?.('--no-color', 'print plain text, as with NO_COLOR set')
}

/** What decides how to print must be known before the command line is understood: an unknown option is an error to print. */
const readGlobalOptions = (argv: readonly string[]): { readonly json: boolean } => {
  const end = argv.indexOf('--')
  const words = argv.slice(0, end === -1 ? undefined : end)
  isQuiet = words.includes('--quiet') || words.includes('-q')
  if (words.includes('--no-color')) {
    delete process.env['FORCE_COLOR']
    process.env['NO_COLOR'] = '1'
  }
  const format = words.lastIndexOf('--format')
  const asksJson = words.includes('--format=json') || (format !== -1 && words[format + 1] === 'json')
  return { json: words.includes('--json') || asksJson }
}

/** Commander throws to leave: code 0 after --help and --version, else a usage error. */
const isCommanderExit = (thrown: unknown): thrown is Error & { exitCode: number; code: string } =>
  thrown instanceof Error && thrown.name === 'CommanderError' && 'exitCode' in thrown

const signals = ['SIGINT', 'SIGTERM'] as const
/** Of a shell, for a process that SIGINT ended. */
const interruptedExit = 130

/**
 * A program that waits for an envelope gets one also when it is interrupted; without --json the signal ends the process as ever.
 * Where a command ends in its own way at the first signal (`up`, `run`), that is left to it.
 */
const answerSignals = (): { end(): void } => {
  const onSignal = (signal: NodeJS.Signals): void => {
    if (process.listenerCount(signal) > 1) return
    const error = new CodedError('INTERRUPTED', `stopped by ${signal}`)
    if (!isAnswered) printError(error, true)
    process.exit(interruptedExit)
  }
  for (const signal of signals) process.on(signal, onSignal)
  return { end: () => signals.forEach((signal) => process.off(signal, onSignal)) }
}

/** A program or a group of commands without any: its help is what to say. */
const isBare = ({ code }: { code: string }): boolean => code === 'commander.help'

/** What commander said of a command line, its suggestion with it, said once. */
const usageError = (thrown: { code: string }, said: string): CodedError =>
  new CodedError(
    'ARGUMENT_INVALID',
    isBare(thrown) ? 'a command is missing' : said.replace(/^error: /, '').replaceAll('\n', ' ') || 'no such command',
  )

/** What commander shows by itself, as data: nothing but one envelope goes to stdout with --json. */
const shownData = (thrown: { code: string }, shown: string): object =>
  thrown.code === 'commander.version' ? { version: shown.trim() } : { help: shown }

/**
 * Runs one command line (node, script, arguments...) and sets the process's exit code: 0, or that of the error's class; usage
 * errors are ARGUMENT_INVALID. With --json stdout holds one envelope, also of --help (`{help}`), of --version (`{version}`) and
 * after Ctrl-C (INTERRUPTED, exit 130). A reader of stdout that goes away changes nothing; a stdout that cannot be written is
 * DISK_FULL. A bug is reported by its code alone, never with a stack that may hold a row's value.
 */
export const runCommand = async (program: Program, argv: readonly string[]): Promise<void> => {
  const { json } = readGlobalOptions(argv)
  const usage: string[] = []
  const shown: string[] = []
  isAnswered = false
  guardStandardOutput((error) => {
    printError(error, false) // an envelope would go where nothing can be written
    process.exitCode = exitCode(error.code)
  })
  addGlobalOptions(program)
  const writeErr = (text: string) => void usage.push(text)
  prepare(program, json ? { writeErr, writeOut: (text) => void shown.push(text) } : { writeErr })
  const waiting = json ? answerSignals() : undefined
  try {
    await program.parseAsync(argv)
    if (shown.length > 0) process.stdout.write(shown.join(''))
  } catch (thrown) {
    if (isCommanderExit(thrown) && thrown.exitCode === 0) {
      if (json) printData(shownData(thrown, shown.join('')), { json })
      return
    }
    const error = isCommanderExit(thrown) ? usageError(thrown, usage.join('').trim()) : asCodedError(thrown)
    if (!json && isCommanderExit(thrown) && isBare(thrown)) process.stderr.write(`${printableLines(usage.join(''))}\n`)
    printError(error, json)
    process.exitCode = exitCode(error.code)
  } finally {
    waiting?.end()
  }
}
