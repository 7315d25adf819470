import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from './sources.ts'

const scripts = {
  coordinator: join(root, 'coordinator/bin/coordinator.js'),
  'site-agent': join(root, 'site-agent/bin/site-agent.js'),
  tributary: join(root, 'coordinator/bin/tributary.js'),
}

/** The one JSON envelope of a command. */
export interface Envelope {
  readonly status: 'ok' | 'error'
  readonly data?: Readonly<Record<string, unknown>>
  readonly error_code?: string
  readonly message?: string
  readonly place?: {
    readonly file?: string
    readonly line?: number
    readonly row?: number
    readonly column?: string
    readonly field?: string
  }
  readonly hint?: string
}

export interface CommandOutcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Throws unless stdout is exactly one JSON envelope. */
  envelope(): Envelope
}

export interface CommandOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly input?: string
}

/** One shipped binary, as a person types it, under this very Node; to its end. */
export const runCommandLine = (
  binary: keyof typeof scripts,
  args: readonly string[],
  { cwd = root, env = {}, input = '' }: CommandOptions = {},
): Promise<CommandOutcome> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [scripts[binary], ...args], {
      cwd,
      env: { ...process.env, NO_COLOR: '1', INIT_CWD: cwd, ...env },
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code) =>
      resolve({ code, stdout, stderr, envelope: () => JSON.parse(stdout.trim()) as Envelope }),
    )
    child.stdin.end(input)
  })
