import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Contender, contender, peersFolder, peersPython } from './dpsgd-contender.ts'
import { distanceFrom, type DpsgdProblem, dpsgdProblem, writeProblem } from './dpsgd-problem.ts'

/** What one contender did: processor seconds, so that other work on the machine slows nobody's figure down. */
export interface Placed {
  readonly name: string
  readonly description: string
  /** Of one thread, median over turns. */
  readonly recordsPerSecond: number
  /** How far its sum lies from WebAssembly's, as a share of its length. */
  readonly distance: number
  /** Median over turns of how many times as fast as each other contender it was in the same turn. */
  readonly timesAsFastAs: Readonly<Record<string, number>>
}

export interface Race {
  readonly rows: number
  readonly weights: number
  readonly placed: readonly Placed[]
  /** Who did not take part, and why. */
  readonly absent: readonly string[]
}

/** float32 in another order differs by parts in a million; another model or another clipping by far more. */
const mostDistance = 1e-4

const warmUpSeconds = 2
const turnSeconds = 0.3

/** Settings of the C library that keep freed pages: without them Opacus spends most of its time in page faults. */
const tuned = {
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '8589934592',
  MALLOC_TOP_PAD_: '1073741824',
}

/** All contenders, a turn each, in turns. Throws `Error` when one computes another sum. */
export const race = async (rows: number, turns: number, say: (line: string) => void): Promise<Race> => {
  const problem = dpsgdProblem(rows)
  const folder = mkdtempSync(join(tmpdir(), 'tributary-dpsgd-'))
  const absent: string[] = []
  const running: { contender: Contender; file: string }[] = []
  const enter = async (name: string, command: string, words: string[], file: string, environment = {}) => {
    say(`starting ${name}`)
    running.push({ contender: await contender(name, command, words, environment), file })
  }
  try {
    writeProblem(problem, folder)
    const sizes = [String(rows), String(problem.network.hidden)]
    const program = join(import.meta.dirname, 'dpsgd-engine.ts')
    for (const engine of ['tensorflow', 'wasm', 'cpu'])
      await enter(
        engine,
        process.execPath,
        ['--conditions=source', program, engine, 'clipped', ...sizes, join(folder, `${engine}.f64`)],
        `${engine}.f64`,
      ).catch((cause: Error) => absent.push(`${engine}: ${cause.message}`))
    for (const engine of ['tensorflow', 'wasm'].filter((name) =>
      running.some(({ contender: { name: there } }) => there === name),
    ))
      await enter(
        `${engine}, not clipped`,
        process.execPath,
        ['--conditions=source', program, engine, 'plain', ...sizes],
        '',
      )
    const python = peersPython()
    if (python === null)
      absent.push(
        `PyTorch and Opacus: no TRIBUTARY_PYTHON and no ${peersFolder} (npm run -s bench:dpsgd -- --setup makes it)`,
      )
    else {
      const peers = join(import.meta.dirname, 'dpsgd-peers.py')
      for (const [name, mode, environment] of [
        ['PyTorch book-keeping', 'book-keeping', {}],
        ['Opacus', 'opacus-hooks', {}],
        ['Opacus, tuned malloc', 'opacus-hooks', tuned],
        ['Opacus, ghost clipping', 'opacus-ghost', {}],
      ] as const)
        await enter(name, python, [peers, mode, folder], `${mode}.f32`, environment).catch((cause: Error) =>
          absent.push(cause.message),
        )
    }
    const seconds = await turnsOf(
      running.map(({ contender: each }) => each),
      turns,
      say,
    )
    const reference = sumOf(join(folder, 'wasm.f64'))
    const placed = running.map(
      ({ contender: { name, description }, file }, i): Placed => ({
        name,
        description,
        recordsPerSecond: rows / median(seconds[i]!),
        distance: file === '' ? 0 : distanceOf(problem, reference, join(folder, file), name),
        timesAsFastAs: Object.fromEntries(
          running.map((other, o) => [
            other.contender.name,
            median(seconds[o]!.map((time, turn) => time / seconds[i]![turn]!)),
          ]),
        ),
      }),
    )
    return { rows, weights: problem.network.dimension, placed, absent }
  } finally {
    for (const { contender: each } of running) each.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Seconds of one gradient, of each contender in each turn, once their compilers have seen enough. */
const turnsOf = async (contenders: readonly Contender[], turns: number, say: (line: string) => void) => {
  say('warming up')
  for (const each of contenders) await each.turn(warmUpSeconds)
  const seconds = contenders.map((): number[] => [])
  for (let turn = 1; turn <= turns; turn++) {
    say(`turn ${turn} of ${turns}`)
    for (const [i, each] of contenders.entries()) seconds[i]!.push(await each.turn(turnSeconds))
  }
  return seconds
}

const sumOf = (file: string) => new Float64Array(new Uint8Array(readFileSync(file)).buffer)

const distanceOf = (problem: DpsgdProblem, reference: Float64Array, file: string, name: string): number => {
  const distance = file.endsWith('.f64')
    ? distanceBetween(reference, sumOf(file))
    : distanceFrom(problem, reference, file)
  if (!(distance <= mostDistance)) throw new Error(`${name} computed another sum: ${distance} of its length away`)
  return distance
}

const distanceBetween = (left: Float64Array, right: Float64Array): number => {
  let [apart, length] = [0, 0]
  for (const [i, value] of left.entries()) {
    apart += (value - right[i]!) ** 2
    length += value * value
  }
  return Math.sqrt(apart / length)
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
