import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { CodedError, isErrorCode } from '@tributary/shared/errors'

const root = join(import.meta.dirname, '../..')
export const binaries = {
  coordinator: join(root, 'coordinator/bin/coordinator.js'),
  'site-agent': join(root, 'site-agent/bin/site-agent.js'),
  tributary: join(root, 'coordinator/bin/tributary.js'),
} as const

export type Json = Readonly<Record<string, unknown>>

/** What a command prints on stdout under --json: one envelope, or one event a line. */
const parsed = (line: string): Json | undefined => {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined
  } catch {
    return undefined
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** One binary in a process of its own, under this very Node. stderr goes to the log, stdout is read as JSON lines. */
export class Program {
  readonly name: string
  readonly logFile: string
  readonly lines: Json[] = []
  /** Resolves once the process is gone and its output read; never rejects. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  readonly #child: ChildProcess
  readonly #listeners = new Set<() => void>()
  #gone = false

  /** `script`: absolute path of the binary's JavaScript; `environment` goes on top of this process's. */
  constructor(
    name: string,
    script: string,
    args: readonly string[],
    log: { readonly stream: WriteStream; readonly file: string },
    environment: NodeJS.ProcessEnv,
  ) {
    this.name = name
    this.logFile = log.file
    const child = spawn(process.execPath, [script, ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...environment },
    })
    this.#child = child
    child.stderr.pipe(log.stream, { end: false })
    const reader = createInterface({ input: child.stdout })
    reader.on('line', (line) => {
      const value = parsed(line)
      if (value === undefined) log.stream.write(`${line}\n`)
      else this.lines.push(value)
      this.#tell()
    })
    this.ended = new Promise((resolve) => {
      const done = (code: number | null, signal: NodeJS.Signals | null) => {
        this.#gone = true
        resolve({ code, signal })
        this.#tell()
      }
      child.on('error', (thrown) => {
        log.stream.write(`${thrown.message}\n`)
        done(null, null)
      })
      child.on('close', done)
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get isGone(): boolean {
    return this.#gone
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }

  /** The first line `{"event": name, ...}`; rejects with the program's own code when it ends without one. */
  event(name: string): Promise<Json> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.lines.find((line) => line['event'] === name)
        if (found === undefined && !this.#gone) return
        this.#listeners.delete(look)
        if (found === undefined) reject(this.failure())
        else resolve(found)
      }
      this.#listeners.add(look)
      look()
    })
  }

  /** What the program said was wrong, as our own error: its code, message and log file. */
  failure(): CodedError {
    const said = this.lines.findLast((line) => line['status'] === 'error' || line['error_code'] !== undefined)
    const code = textOf(said?.['error_code'])
    const message = textOf(said?.['message']) || 'ended without saying why'
    return new CodedError(isErrorCode(code) ? code : 'INTERNAL', `${this.name}: ${message} (log: ${this.logFile})`)
  }

  /** Asks for an orderly end; after `graceMs` takes it. */
  async stop(graceMs = 15_000): Promise<void> {
    if (this.#gone) return
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs)
    await this.ended
    clearTimeout(timer)
  }

  /** kill -9: as a machine that loses power. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

/** Starts programs, keeps a log for each name, and takes every child along when this process ends. */
export class ProgramHost {
  readonly #logFolder: string
  readonly #logs = new Map<string, WriteStream>()
  readonly #running = new Set<Program>()
  readonly #environment: NodeJS.ProcessEnv

  /** `environment` is given to every program, on top of this process's own. */
  constructor(logFolder: string, environment: NodeJS.ProcessEnv = {}) {
    this.#environment = environment
    mkdirSync(logFolder, { recursive: true })
    this.#logFolder = logFolder
    process.once('exit', this.#killAll)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, this.#interrupted)
  }

  readonly #killAll = (): void => {
    for (const program of this.#running) program.kill()
  }

  readonly #interrupted = (signal: NodeJS.Signals): void => {
    this.#killAll()
    process.exit(signal === 'SIGINT' ? 130 : 143)
  }

  /** A program that stays. */
  start(name: string, script: string, args: readonly string[]): Program {
    const file = join(this.#logFolder, `${name}.log`)
    const stream = this.#logs.get(name) ?? createWriteStream(file, { flags: 'a' })
    this.#logs.set(name, stream)
    const program = new Program(name, script, args, { stream, file }, this.#environment)
    this.#running.add(program)
    void program.ended.then(() => this.#running.delete(program))
    return program
  }

  /** One command to its end; its `data`. Throws the command's own code when it fails. */
  async call(name: string, script: string, args: readonly string[]): Promise<Json> {
    const program = this.start(name, script, args)
    const { code } = await program.ended
    const envelope = program.lines.findLast((line) => line['status'] !== undefined)
    if (code !== 0 || envelope?.['status'] !== 'ok') throw program.failure()
    const data = envelope['data']
    return typeof data === 'object' && data !== null ? (data as Json) : {}
  }

  /** Kills what still runs and lets go of the process's signals. */
  async close(): Promise<void> {
    this.#killAll()
    await Promise.all([...this.#running].map((program) => program.ended))
    for (const log of this.#logs.values()) log.end()
    process.off('exit', this.#killAll)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, this.#interrupted)
  }
}

/** A field that a command promises. Throws `INTERNAL` when it is missing or of another kind. */
export const textField = (data: Json, field: string): string => {
  const value = data[field]
  if (typeof value !== 'string') throw new CodedError('INTERNAL', `a command's answer lacks ${field}`)
  return value
}

export const numberField = (data: Json, field: string): number => {
  const value = data[field]
  if (typeof value !== 'number') throw new CodedError('INTERNAL', `a command's answer lacks ${field}`)
  return value
}

export const listField = (data: Json, field: string): readonly Json[] => {
  const value = data[field]
  if (!Array.isArray(value)) throw new CodedError('INTERNAL', `a command's answer lacks ${field}`)
  return value as Json[]
}
