import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testEngine } from '../../test/harness/test-engine.ts'
import { type EngineName, loadEngine } from './engine.ts'
import { loadNativeLibrary, nativeFolderVariable } from './native-library.ts'

/** The native one too, in the suite of that name. */
const engines = [...new Set<EngineName>(['cpu', 'wasm', testEngine])]

const table = (rows: number, columns: number, seed: number) =>
  Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(seed + i * 1.7))

const reference = (left: Float32Array, right: Float32Array, rows: number, inner: number, columns: number) =>
  Float32Array.from({ length: rows * columns }, (_, at) => {
    let sum = 0
    for (let k = 0; k < inner; k++)
      sum += left[Math.floor(at / columns) * inner + k]! * right[k * columns + (at % columns)]!
    return sum
  })

describe('loadEngine', () => {
  it.each(engines)('%s multiplies and leaves no tensor behind', async (prefer) => {
    const engine = await loadEngine({ prefer })
    expect(engine.name).toBe(prefer)
    expect(engine.tf.getBackend()).toBe(prefer)
    const before = engine.tf.memory().numTensors
    const [a, b] = [table(37, 19, 1), table(19, 23, 2)]
    const [left, right] = [engine.matrix(a, 37, 19), engine.matrix(b, 19, 23)]
    const result = engine.product(left, right)
    const expected = reference(a, b, 37, 19, 23)
    expect(Math.max(...result.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-5)
    left.dispose()
    right.dispose()
    expect(engine.tf.memory().numTensors).toBe(before)
  })

  it('leaves the crash handlers of the process alone', async () => {
    const program = `
      import { loadEngine } from ${JSON.stringify(new URL('./engine.ts', import.meta.url).href)}
      await loadEngine({ prefer: 'wasm' })
      console.log(process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection'))`
    const args = ['--conditions=source', '--input-type=module', '--eval', program]
    expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toBe('0\n')
  })

  it('says what it took and what was not there', async () => {
    const { name, description } = await loadEngine()
    if (name === 'tensorflow')
      expect(description).toMatch(/^tensorflow \(native library [\d.]+, (built in|installed by) .+\)$/)
    else expect(description).toMatch(/^wasm \(WebAssembly, SIMD\); tensorflow (is not installed|did not load)/)
  })
})

describe('loadNativeLibrary', () => {
  it('takes no other library than the one that is named, and says what is wrong with that', () => {
    const folder = join(import.meta.dirname, 'no-such-folder')
    expect(() => loadNativeLibrary({ [nativeFolderVariable]: folder })).toThrow(`nothing in ${folder}`)
  })
})

describe('crossProducts', () => {
  it.each(engines)('%s sums each run of rows by itself, the short last one too', async (prefer) => {
    const engine = await loadEngine({ prefer })
    const before = engine.tf.memory().numTensors
    const [a, b] = [table(37, 5, 1), table(37, 7, 2)]
    const products: Float32Array[] = []
    engine.crossProducts({ values: a, columns: 5 }, { values: b, columns: 7 }, 16, (product) =>
      products.push(product.slice()),
    )
    expect(products).toHaveLength(3)
    products.forEach((product, run) => {
      const rows = Math.min(16, 37 - 16 * run)
      const transposed = new Float32Array(5 * rows)
      for (let r = 0; r < rows; r++) for (let c = 0; c < 5; c++) transposed[c * rows + r] = a[(16 * run + r) * 5 + c]!
      const expected = reference(transposed, b.subarray(16 * run * 7, (16 * run + rows) * 7), 5, rows, 7)
      expect(product).toHaveLength(expected.length)
      expect(Math.max(...product.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-5)
    })
    expect(engine.tf.memory().numTensors).toBe(before)
  })
})
