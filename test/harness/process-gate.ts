import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { CrashGate } from './crash-gate.ts'

/** The end of a run counts as a step after every other. */
export const endOfRun = 1_000_000

/** One death: `who` dies at the first crossing of `at` in this step or a later one. */
export interface Kill {
  readonly who: string
  readonly at: string
  readonly step: number
  /** How long it stays dead; else it is started again at once. */
  readonly awayMs?: number
}

/** What a process wrote down right before it died. */
export interface Death extends Kill {
  /** The step and the round that it was at. */
  readonly reached: number
  readonly round: string | null
  readonly pid: number
}

const linesOf = (path: string): string[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : []

/** JSON lines of a file that may not be there; a last line that a kill cut short is no line. */
export const readLines = <Line>(path: string): Line[] =>
  linesOf(path).flatMap((line) => {
    try {
      return [JSON.parse(line) as Line]
    } catch {
      return []
    }
  })

export const appendLine = (path: string, line: object): void => appendFileSync(path, `${JSON.stringify(line)}\n`)

/**
 * The crash gate of a process of its own, which really dies: it takes its kills from a plan, writes each down in `trace` and sends
 * itself SIGKILL. A death that the trace has does not come again.
 */
export class ProcessGate extends CrashGate {
  step = endOfRun
  round: string | null = null
  /** The latest crossing. */
  latest = ''
  readonly #trace: string
  readonly #due: Kill[]

  constructor(who: string, plan: string, trace: string) {
    super()
    this.#trace = trace
    const died = readLines<Death>(trace)
    this.#due = readLines<Kill>(plan).filter(
      (kill) => kill.who === who && !died.some(({ at, step }) => at === kill.at && step === kill.step),
    )
  }

  override cross(crossing: string): void {
    this.latest = crossing
    const kill = this.#due.find(({ at, step }) => at === crossing && this.step >= step)
    if (kill === undefined) return
    const death: Death = { ...kill, reached: this.step, round: this.round, pid: process.pid }
    appendLine(this.#trace, death)
    process.kill(process.pid, 'SIGKILL')
    // Nothing may happen between the signal and its delivery.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
}
