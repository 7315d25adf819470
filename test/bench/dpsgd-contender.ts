import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A process that computes the same gradient again and again, a turn at a time. */
export interface Contender {
  readonly name: string
  readonly description: string
  /** Processor seconds of one gradient, the mean of as many as take `atLeast` of them. */
  turn(atLeast: number): Promise<number>
  stop(): void
}

/** Every library kept to the one thread. */
const oneThread = {
  TF_NUM_INTRAOP_THREADS: '1',
  TF_NUM_INTEROP_THREADS: '1',
  OMP_NUM_THREADS: '1',
  MKL_NUM_THREADS: '1',
}

/** Starts `command`, whose first line tells its description. Throws `Error` with its last words when it ends before. */
export const contender = async (
  name: string,
  command: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Contender> => {
  const child: ChildProcess = spawn(command, [...words], {
    env: { ...process.env, ...oneThread, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let complaint = ''
  child.stderr!.on('data', (piece: Buffer) => {
    complaint = (complaint + piece.toString('utf8')).slice(-2000)
  })
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const next = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error(`${name} ended: ${complaint.trim().split('\n').at(-1) ?? ''}`)
    return JSON.parse(value)
  }
  const { description } = await next()
  return {
    name,
    description: String(description),
    async turn(atLeast) {
      child.stdin!.write(`${atLeast}\n`)
      return Number((await next())['seconds'])
    },
    stop: () => void child.stdin!.end(),
  }
}

/** The environment that `--setup` makes, outside the repository. */
export const peersFolder = '/tmp/tributary-bench/venv'

/** A Python with PyTorch and Opacus: TRIBUTARY_PYTHON, else the environment's; null where neither is there. */
export const peersPython = (): string | null => {
  const python = process.env['TRIBUTARY_PYTHON'] ?? join(peersFolder, 'bin/python')
  return existsSync(python) ? python : null
}
