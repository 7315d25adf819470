import { styleText } from 'node:util'
import { asCodedError, CodedError, exitCode, type Place } from '../errors.ts'

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

const wholeNumbers = (_key: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)

const jsonLine = (value: object): string => `${JSON.stringify(value, wholeNumbers)}\n`

const cell = (value: unknown): string => {
  if (value === undefined || value === null) return '-'
  if (typeof value === 'string') return value
  // Figures for people; --json keeps every digit.
  if (typeof value === 'number' && !Number.isInteger(value)) return String(Number(value.toPrecision(6)))
  return JSON.stringify(value, wholeNumbers)
}

const table = (rows: readonly object[]): string => {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const cells = rows.map((row) =>
    columns.map((column) => cell(Object.entries(row).find(([key]) => key === column)?.[1])),
  )
  const lines = [columns, ...cells]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((text, index) => text.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const isTable = (value: unknown): value is readonly object[] =>
  Array.isArray(value) && value.length > 0 && value.every((row) => typeof row === 'object' && row !== null)

const indented = (text: string): string => text.replaceAll(/^/gm, '  ')

/** A field a line; lists of objects and objects stand indented below their name. */
const entry = (key: string, value: unknown): string => {
  if (isTable(value)) return `${key}:\n${indented(table(value))}`
  if (Array.isArray(value)) return `${key}: ${value.length === 0 ? '-' : value.map(cell).join(', ')}`
  if (typeof value === 'object' && value !== null)
    return `${key}: ${Object.entries(value)
      .map(([name, part]) => `${name} ${cell(part)}`)
      .join(', ')}`
  return `${key}: ${cell(value)}`
}

const plain = (data: unknown): string => {
  if (Array.isArray(data)) return data.length === 0 ? '(none)' : table(data)
  if (typeof data !== 'object' || data === null) return cell(data)
  return Object.entries(data)
    .map(([key, value]) => entry(key, value))
    .join('\n')
}

/** Whether notices and progress are to be left out. */
export const isQuietRun = (): boolean => isQuiet

/** A line for the person at the terminal, on stderr; --quiet drops it. */
export const printNotice = (text: string): void => {
  if (!isQuiet) process.stderr.write(`${text}\n`)
}

/** A line that --quiet keeps: what the result must not be read without. */
export const printWarning = (text: string): void => {
  process.stderr.write(`${painted('yellow', 'warning')} ${text}\n`)
}

interface PrintOptions {
  readonly json?: boolean
  readonly text?: string
  /** The command to run next: a notice, or a key `next` of the data where that is an object. */
  readonly next?: string
}

/** Prints a command's result: the envelope with `json`, else `text` or a plain rendering (a table for a list of objects). */
export const printData = (data: unknown, { json = false, text = plain(data), next }: PrintOptions = {}): void => {
  if (json) {
    const isRecord = typeof data === 'object' && data !== null && !Array.isArray(data)
    const shown = isRecord && next !== undefined ? { ...data, next } : data
    process.stdout.write(jsonLine({ schema_version: schemaVersion, status: 'ok', data: shown }))
    return
  }
  process.stdout.write(`${text}\n`)
  if (next !== undefined) printNotice(painted('dim', `next: ${next}`))
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
    const envelope = { schema_version: schemaVersion, status: 'error', error_code: code, message, place, hint: help }
    process.stdout.write(jsonLine(envelope))
    return
  }
  const where = placeText(error.place)
  const title = painted('red', `error ${error.code}`)
  process.stderr.write(`${title}: ${error.message}\n${where && `  at ${where}\n`}  hint: ${error.help}\n`)
}

/** As much of commander's Command as is needed here; the workspaces bring commander themselves. */
export interface Program {
  readonly commands: readonly Program[]
  readonly options?: readonly { readonly long?: string | undefined }[]
  option?(flags: string, description: string): unknown
  configureHelp?(configuration: { showGlobalOptions: boolean }): unknown
  exitOverride(): unknown
  configureOutput(configuration: { writeErr(text: string): void }): unknown
  parseAsync(argv: readonly string[]): Promise<unknown>
}

const prepare = (program: Program, writeErr: (text: string) => void): void => {
  program.exitOverride()
  program.configureOutput({ writeErr })
  program.configureHelp?.({ showGlobalOptions: true })
  for (const command of program.commands) prepare(command, writeErr)
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
const isCommanderExit = (thrown: unknown): thrown is Error & { exitCode: number } =>
  thrown instanceof Error && thrown.name === 'CommanderError' && 'exitCode' in thrown

/**
 * Runs one command line (node, script, arguments...) and sets the process's exit code: 0, or that of the error's class; usage
 * errors are ARGUMENT_INVALID. A bug is reported by its code alone, never with a stack that may hold a row's value.
 */
export const runCommand = async (program: Program, argv: readonly string[]): Promise<void> => {
  const { json } = readGlobalOptions(argv)
  const usage: string[] = []
  addGlobalOptions(program)
  prepare(program, (text) => usage.push(text))
  try {
    await program.parseAsync(argv)
  } catch (thrown) {
    if (isCommanderExit(thrown) && thrown.exitCode === 0) return
    const help = usage.join('').trim()
    const error = isCommanderExit(thrown)
      ? new CodedError('ARGUMENT_INVALID', help.replace(/^error: /, '').split('\n')[0] || 'no such command')
      : asCodedError(thrown)
    if (!json && isCommanderExit(thrown) && help.includes('\n')) process.stderr.write(`${help}\n`)
    printError(error, json)
    process.exitCode = exitCode(error.code)
  }
}
