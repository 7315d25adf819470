import { transpose } from '../../tensor/cross-products.ts'
import type { Engine } from '../../tensor/engine.ts'
import { type Block, dense, type Network } from './network.ts'
import type { Chunk } from './pass.ts'

/** The one layer that is dense on both sides, in the tensor engine; rows x hidden in, rows x cells out. */
export interface HiddenOutput {
  /** W2 h for `rows` rows of `hidden`. */
  forward(hidden: Float32Array, rows: number): Float32Array
  /** W2^T g for `rows` rows of `outputs`. */
  backward(outputs: Float32Array, rows: number): Float32Array
  /** Adds the sum over the chunk's first `rows` rows of h g^T, unmasked entries only, to its packed `sum` in float64. */
  addGradient(chunk: Chunk, rows: number): void
  dispose(): void
}

/**
 * Rows summed in float32 before their sum moves to float64 (R15). A product of m terms in any order errs by at most m 2^-24
 * (1 + 2^-17) of the sum of their sizes (Higham 2002, section 3.1), so one slice of m rows of norm at most C by m^2 2^-24 C: 2^-12 C
 * for 64. A unit stands in one slice, and the two neighbours' sums of it err by 2^-11 C together: half of `floatSlack`.
 */
const sliceRows = 64

export const hiddenOutputOf = (engine: Engine, network: Network, params: Float32Array): HiddenOutput => {
  const { hidden: units, hiddenOutput } = network
  const width = network.layout.cells
  if (units === 0) return nothingHidden(width)
  const weights = dense(hiddenOutput, params)
  const forward = engine.matrix(weights, units, width)
  const backward = engine.matrix(transpose(weights, units, width), width, units)
  return {
    forward(hidden, rows) {
      const left = engine.matrix(hidden.subarray(0, rows * units), rows, units)
      try {
        return engine.product(left, forward)
      } finally {
        left.dispose()
      }
    },
    backward(outputs, rows) {
      const left = engine.matrix(outputs.subarray(0, rows * width), rows, width)
      try {
        return engine.product(left, backward)
      } finally {
        left.dispose()
      }
    },
    addGradient(chunk, rows) {
      const left = { values: chunk.hidden.subarray(0, rows * units), columns: units }
      const right = { values: chunk.outputs.subarray(0, rows * width), columns: width }
      engine.crossProducts(left, right, sliceRows, (product) => addUnmasked(hiddenOutput, product, chunk))
    },
    dispose() {
      forward.dispose()
      backward.dispose()
    },
  }
}

const addUnmasked = ({ rows, width, from, at }: Block, matrix: Float32Array, { space, product, sum }: Chunk) => {
  product.set(matrix)
  for (let k = 0; k < rows; k++) space.addWide(sum, at[k]!, product, k * width + from[k]!, width - from[k]!)
}

const nothingHidden = (width: number): HiddenOutput => ({
  forward: (_, rows) => new Float32Array(rows * width),
  backward: () => new Float32Array(0),
  addGradient() {},
  dispose() {},
})
