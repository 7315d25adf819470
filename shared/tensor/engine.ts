import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Tensor2D } from '@tensorflow/tfjs-core'
import { CodedError } from '../errors.ts'
import { type CrossProducts, crossProductsInTurn, crossProductsTogether, type Rows } from './cross-products.ts'
import { loadNativeLibrary, NativeLibraryMissing } from './native-library.ts'

type TensorLibrary = typeof import('@tensorflow/tfjs-core')

export type EngineName = 'tensorflow' | 'wasm' | 'cpu'

/** Dense float32 algebra on whatever this machine offers. Row-major matrices; results agree within float32 tolerance. */
export interface Engine {
  readonly name: EngineName
  /** One line for people: what was chosen, and what was not available. */
  readonly description: string
  readonly tf: TensorLibrary
  /** A matrix of rows x columns over `data`, which must not change while it lives. The caller disposes it. */
  matrix(data: Float32Array, rows: number, columns: number): Tensor2D
  /**
   * left x right, row-major; leaves no tensor behind. Takes no transpose flags: on WebAssembly a flagged product runs
   * outside XNNPACK and many times slower than a transpose beforehand.
   */
  product(left: Tensor2D, right: Tensor2D): Float32Array
  readonly crossProducts: CrossProducts
}

const order: readonly EngineName[] = ['tensorflow', 'wasm', 'cpu']

/**
 * The fastest engine that loads and multiplies with full float32 precision: native TensorFlow, else WebAssembly (SIMD), else plain
 * JavaScript. `prefer` starts the search further down the list or names the first to try. A tensor library keeps one
 * backend per process: the engine loaded last is the one in use. Needs no network. Throws `ENGINE_UNAVAILABLE`.
 */
export const loadEngine = async (options: { prefer?: EngineName } = {}): Promise<Engine> => {
  const { prefer = 'tensorflow' } = options
  const passedOver: string[] = []
  for (const name of order.slice(order.indexOf(prefer))) {
    try {
      const { tf, detail } = await loaders[name]()
      const engine = engineOver(name, tf, describe(name, detail, passedOver))
      probe(engine)
      return engine
    } catch (cause) {
      passedOver.push(`${name} ${reason(cause)}`)
    }
  }
  throw new CodedError('ENGINE_UNAVAILABLE', `no tensor engine: ${passedOver.join(', ')}`)
}

interface Loaded {
  readonly tf: TensorLibrary
  readonly detail: string
}

const require = createRequire(import.meta.url)

const loaders: Record<EngineName, () => Promise<Loaded>> = {
  async tensorflow() {
    const { tf, detail } = loadNativeLibrary(process.env)
    await select(tf, 'tensorflow')
    return { tf, detail }
  },
  async wasm() {
    const tf = await import('@tensorflow/tfjs-core')
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm')
    const folder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'))
    if (tf.findBackend('wasm') === null) setWasmPaths(join(folder, 'wasm-out/'))
    await withoutNewHandlers(() => select(tf, 'wasm'))
    const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')
    return { tf, detail: simd ? 'WebAssembly, SIMD' : 'WebAssembly, no SIMD' }
  },
  async cpu() {
    const tf = await import('@tensorflow/tfjs-core')
    await import('@tensorflow/tfjs-backend-cpu')
    await select(tf, 'cpu')
    return { tf, detail: 'plain JavaScript' }
  },
}

const select = async (tf: TensorLibrary, backend: string) => {
  tf.env().set('PROD', true)
  if (!(await tf.setBackend(backend))) throw new Error(`${backend} did not initialise`)
  await tf.ready()
}

/** Emscripten's start-up code takes over the process's crash handlers; they stay the program's own. */
const withoutNewHandlers = async (start: () => Promise<void>) => {
  const events = ['uncaughtException', 'unhandledRejection'] as const
  const before = events.map((event) => new Set<unknown>(process.rawListeners(event)))
  await start()
  for (const [i, event] of events.entries())
    for (const listener of process.rawListeners(event))
      if (before[i]?.has(listener) === false) process.off(event, listener as () => void)
}

const reason = (cause: unknown) => (cause instanceof NativeLibraryMissing ? cause.message : 'did not load')

const describe = (name: EngineName, detail: string, passedOver: readonly string[]) =>
  `${name} (${detail})${passedOver.length > 0 ? `; ${passedOver.join(', ')}` : ''}`

const engineOver = (name: EngineName, tf: TensorLibrary, description: string): Engine => {
  const matrix = (data: Float32Array, rows: number, columns: number) => tf.tensor2d(data, [rows, columns], 'float32')
  const product = (left: Tensor2D, right: Tensor2D) => {
    const result = tf.matMul(left, right)
    try {
      return result.dataSync<'float32'>()
    } finally {
      result.dispose()
    }
  }
  const crossProducts = name === 'tensorflow' ? crossProductsTogether(tf) : crossProductsInTurn(matrix, product)
  return { name, description, tf, matrix, product, crossProducts }
}

/**
 * Throws unless products are of float32 with all 24 bits, as the bounds on rounding (R15) assume: a library may be set to round
 * factors to 8 or 11 bits. All sums here are whole numbers below 2^24, so float32 gives them exactly in any order.
 */
const probe = (engine: Engine) => {
  const size = 48
  const wide = Float32Array.from({ length: size * size }, (_, i) => ((i * 2_654_435) % 4096) * 2 + 1 - 4096)
  const narrow = Float32Array.from({ length: size * size }, (_, i) => ((i * 40_503) % 31) - 15)
  for (const [left, right] of [
    [wide, narrow],
    [narrow, wide],
  ] as const) {
    const [a, b] = [engine.matrix(left, size, size), engine.matrix(right, size, size)]
    const result = engine.product(a, b)
    a.dispose()
    b.dispose()
    const crossed: number[] = []
    const rows = (values: Float32Array): Rows => ({ values, columns: size })
    engine.crossProducts(rows(left), rows(right), size / 2, (part) => crossed.push(...part))
    for (let at = 0; at < size * size; at++) {
      const [row, column] = [Math.floor(at / size), at % size]
      let sum = 0
      const halves = [0, 0]
      for (let k = 0; k < size; k++) {
        sum += left[row * size + k]! * right[k * size + column]!
        halves[k < size / 2 ? 0 : 1]! += left[k * size + row]! * right[k * size + column]!
      }
      if (result[at] !== sum || crossed[at] !== halves[0] || crossed[size * size + at] !== halves[1])
        throw new Error(`${engine.name} multiplies wrongly`)
    }
  }
}
