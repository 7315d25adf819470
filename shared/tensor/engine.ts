import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import util from 'node:util'
import type { Tensor2D } from '@tensorflow/tfjs-core'
import { CodedError } from '../errors.ts'

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
}

const order: readonly EngineName[] = ['tensorflow', 'wasm', 'cpu']

/**
 * The fastest engine that loads and multiplies correctly: native TensorFlow, else WebAssembly (SIMD), else plain
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
      passedOver.push(`${name} ${isMissing(cause) ? 'is not installed' : 'did not load'}`)
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
    restoreRemovedTypeChecks()
    const specifier: string = '@tensorflow/tfjs-node'
    const tf: TensorLibrary = await import(specifier)
    await select(tf, 'tensorflow')
    return { tf, detail: 'native library' }
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

/** tfjs-node 4.22 calls type checks that Node 23 took out of `util`. */
const restoreRemovedTypeChecks = () => {
  const removed = {
    isArray: Array.isArray,
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isString: (value: unknown) => typeof value === 'string',
    isNumber: (value: unknown) => typeof value === 'number',
    isFunction: (value: unknown) => typeof value === 'function',
    isObject: (value: unknown) => typeof value === 'object' && value !== null,
  }
  for (const [name, check] of Object.entries(removed)) if (!(name in util)) Object.assign(util, { [name]: check })
}

const isMissing = (cause: unknown) => cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND'

const describe = (name: EngineName, detail: string, passedOver: readonly string[]) =>
  `${name} (${detail})${passedOver.length > 0 ? `; ${passedOver.join(', ')}` : ''}`

const engineOver = (name: EngineName, tf: TensorLibrary, description: string): Engine => ({
  name,
  description,
  tf,
  matrix: (data, rows, columns) => tf.tensor2d(data, [rows, columns], 'float32'),
  product(left, right) {
    const result = tf.matMul(left, right)
    try {
      return result.dataSync<'float32'>()
    } finally {
      result.dispose()
    }
  },
})

const probe = (engine: Engine) => {
  const left = engine.matrix(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3)
  const right = engine.matrix(Float32Array.of(7, 8, 9, 10, 11, 12), 3, 2)
  const result = engine.product(left, right).join()
  left.dispose()
  right.dispose()
  if (result !== '58,64,139,154') throw new Error(`${engine.name} multiplies wrongly`)
}
