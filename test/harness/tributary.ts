import { runCommand } from '@tributary/shared/cli/output'
import type { Clock } from '@tributary/shared/ports'
import { Command } from 'commander'
import { addResearcherCommands } from '../../coordinator/researcher/commands.ts'
import type { Envelope } from './command-line.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
  /** Throws unless stdout is exactly one JSON envelope. */
  envelope(): Envelope
}

export interface Workplace {
  /** TRIBUTARY_HOME. */
  readonly home: string
  readonly environment?: Readonly<Record<string, string>>
  /** What is piped in; null for a terminal. */
  readonly input?: string | null
  /** One whose sleeps take no time unless given. */
  readonly clock?: Clock
}

/** Sleeps take no time and move the clock on. */
const hastyClock = (): Clock => {
  let now = 1_800_000_000_000
  return {
    now: () => now,
    sleep: async (ms) => {
      now += ms
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

export const researcherProgram = ({ home, environment = {}, input = '', clock = hastyClock() }: Workplace): Command => {
  const program = new Command('tributary').version('0.1.0')
  addResearcherCommands(program, {
    clock,
    fetch,
    environment: { TRIBUTARY_HOME: home, ...environment },
    standardInput: () => input,
  })
  return program
}

/** One command of `tributary` in this process, as it is typed. */
export const tributary =
  (place: Workplace) =>
  async (...args: string[]): Promise<Ran> => {
    const written = { out: '', err: '' }
    const { stdout, stderr } = process
    const [writeOut, writeErr] = [stdout.write, stderr.write]
    stdout.write = (text: unknown) => Boolean((written.out += String(text)))
    stderr.write = (text: unknown) => Boolean((written.err += String(text)))
    process.exitCode = undefined
    try {
      await runCommand(researcherProgram(place), ['node', 'tributary', ...args])
    } finally {
      stdout.write = writeOut
      stderr.write = writeErr
    }
    const code = Number(process.exitCode ?? 0)
    process.exitCode = undefined
    return { code, ...written, envelope: () => JSON.parse(written.out) as Envelope }
  }
