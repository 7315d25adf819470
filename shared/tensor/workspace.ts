import { simdProgram } from './simd-program.ts'

/**
 * Arrays, and the loops over runs of them that training spends its time on. `to`, `from`: arrays of this workspace; `toAt`,
 * `fromAt`: where the run starts; `count`: its length. Every number is rounded by itself, as a plain loop rounds it: results do
 * not hang on how the loops are run. Bounds are the caller's: a run must lie inside its arrays.
 */
export interface Workspace {
  /** Zeros. */
  float32(length: number): Float32Array
  float64(length: number): Float64Array
  copy(to: Float32Array, toAt: number, from: Float32Array, fromAt: number, count: number): void
  /** to += from, in float32. */
  add(to: Float32Array, toAt: number, from: Float32Array, fromAt: number, count: number): void
  /** to += from, in float64. */
  addWide(to: Float64Array, toAt: number, from: Float32Array, fromAt: number, count: number): void
  /** to = 0 where `from` is not above 0. */
  gate(to: Float32Array, toAt: number, from: Float32Array, fromAt: number, count: number): void
  /** to x fround(factor), or exactly 0 when it is not kept: by selection, whatever it holds (R14), at equal cost (R10). */
  scale(to: Float32Array, toAt: number, count: number, factor: number, kept: boolean): void
}

/**
 * A workspace with room for arrays of `float32s` and `float64s` numbers in all. The memory of the process is used again by the
 * next one that is opened, which makes the arrays of this one void: it grows to the largest that was ever asked for and no more.
 */
export const openWorkspace = (float32s: number, float64s: number): Workspace => {
  // Each array starts at a multiple of 16 bytes.
  const bytes = 4 * float32s + 8 * float64s + 16 * mostArrays
  return program !== null && bytes <= mostBytes ? vectorWorkspace(program, bytes) : plainWorkspace()
}

const mostArrays = 16
const mostBytes = 2 ** 31
const pageBytes = 65_536

type Routine = (to: number, from: number, count: number) => void

interface Program {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  readonly routines: {
    readonly copy: Routine
    readonly add: Routine
    readonly addWide: Routine
    readonly gate: Routine
    readonly scale: (to: number, factor: number, kept: number, count: number) => void
  }
}

/** What of WebAssembly is used here; the types of Node have no name for it. */
interface WebAssemblyApi {
  readonly Memory: new (size: { initial: number; maximum: number }) => Program['memory']
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: Program['routines'] }
  validate(bytes: Uint8Array): boolean
}

/** Null where the machine has no 128-bit vectors. */
const program = ((): Program | null => {
  const api = Reflect.get(globalThis, 'WebAssembly') as WebAssemblyApi | undefined
  const bytes = simdProgram()
  if (api === undefined || !api.validate(bytes)) return null
  const memory = new api.Memory({ initial: 0, maximum: mostBytes / pageBytes })
  return { memory, routines: new api.Instance(new api.Module(bytes), { a: { m: memory } }).exports }
})()

const vectorWorkspace = ({ memory, routines }: Program, bytes: number): Workspace => {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / pageBytes)
  if (missing > 0) memory.grow(missing)
  const { buffer } = memory
  let next = 0
  const take = (length: number) => {
    const start = next
    next += 16 * Math.ceil(length / 16)
    if (next > bytes) throw new RangeError('the workspace was opened for less')
    return start
  }
  return {
    float32: (length) => new Float32Array(buffer, take(4 * length), length).fill(0),
    float64: (length) => new Float64Array(buffer, take(8 * length), length).fill(0),
    copy: (to, toAt, from, fromAt, count) =>
      routines.copy(to.byteOffset + 4 * toAt, from.byteOffset + 4 * fromAt, count),
    add: (to, toAt, from, fromAt, count) => routines.add(to.byteOffset + 4 * toAt, from.byteOffset + 4 * fromAt, count),
    addWide: (to, toAt, from, fromAt, count) =>
      routines.addWide(to.byteOffset + 8 * toAt, from.byteOffset + 4 * fromAt, count),
    gate: (to, toAt, from, fromAt, count) =>
      routines.gate(to.byteOffset + 4 * toAt, from.byteOffset + 4 * fromAt, count),
    scale: (to, toAt, count, factor, kept) => routines.scale(to.byteOffset + 4 * toAt, factor, kept ? -1 : 0, count),
  }
}

/** The same in plain loops. */
export const plainWorkspace = (): Workspace => ({
  float32: (length) => new Float32Array(length),
  float64: (length) => new Float64Array(length),
  copy(to, toAt, from, fromAt, count) {
    for (let i = 0; i < count; i++) to[toAt + i] = from[fromAt + i]!
  },
  add(to, toAt, from, fromAt, count) {
    for (let i = 0; i < count; i++) to[toAt + i] = to[toAt + i]! + from[fromAt + i]!
  },
  addWide(to, toAt, from, fromAt, count) {
    for (let i = 0; i < count; i++) to[toAt + i] = to[toAt + i]! + from[fromAt + i]!
  },
  gate(to, toAt, from, fromAt, count) {
    for (let i = 0; i < count; i++) if (!(from[fromAt + i]! > 0)) to[toAt + i] = 0
  },
  scale(to, toAt, count, factor, kept) {
    const single = Math.fround(factor)
    for (let i = toAt; i < toAt + count; i++) to[i] = kept ? to[i]! * single : 0
  },
})
