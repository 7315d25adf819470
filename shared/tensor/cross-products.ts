import type { Tensor2D } from '@tensorflow/tfjs-core'

type TensorLibrary = typeof import('@tensorflow/tfjs-core')

/** Row-major. */
export interface Rows {
  readonly values: Float32Array
  readonly columns: number
}

/**
 * transpose(left) x right of each run of `rows` rows by itself: `take` gets them in order, `left.columns` x `right.columns`, each
 * valid until it returns. A last run may be shorter. Leaves no tensor behind.
 */
export type CrossProducts = (left: Rows, right: Rows, rows: number, take: (product: Float32Array) => void) => void

/** Native TensorFlow: all runs in one call, which costs less than the transposing. */
export const crossProductsTogether =
  (tf: TensorLibrary): CrossProducts =>
  (left, right, rows, take) => {
    const height = left.values.length / left.columns
    const whole = Math.floor(height / rows)
    const size = left.columns * right.columns
    for (const [first, runs, length] of [
      [0, whole, rows],
      [whole * rows, 1, height - whole * rows],
    ] as const) {
      if (runs * length === 0) continue
      const cube = ({ values, columns }: Rows) =>
        tf.tensor3d(values.subarray(first * columns, (first + runs * length) * columns), [runs, length, columns])
      const [a, b] = [cube(left), cube(right)]
      const result = tf.matMul(a, b, true, false)
      try {
        const products = result.dataSync<'float32'>()
        for (let run = 0; run < runs; run++) take(products.subarray(run * size, (run + 1) * size))
      } finally {
        for (const tensor of [a, b, result]) tensor.dispose()
      }
    }
  }

/** WebAssembly runs a flagged or batched product outside XNNPACK and many times slower: transposed here, one run at a time. */
export const crossProductsInTurn =
  (
    matrix: (data: Float32Array, rows: number, columns: number) => Tensor2D,
    product: (left: Tensor2D, right: Tensor2D) => Float32Array,
  ): CrossProducts =>
  (left, right, rows, take) => {
    const height = left.values.length / left.columns
    for (let first = 0; first < height; first += rows) {
      const count = Math.min(rows, height - first)
      const run = ({ values, columns }: Rows) => values.subarray(first * columns, (first + count) * columns)
      const a = matrix(transpose(run(left), count, left.columns), left.columns, count)
      const b = matrix(run(right), count, right.columns)
      try {
        take(product(a, b))
      } finally {
        a.dispose()
        b.dispose()
      }
    }
  }

/** Copies rows x columns into columns x rows; blocked, since a strided write costs a cache line. */
export const transpose = (from: Float32Array, rows: number, columns: number): Float32Array => {
  const to = new Float32Array(rows * columns)
  const block = 16
  for (let start = 0; start < rows; start += block) {
    const stop = Math.min(start + block, rows)
    for (let c = 0; c < columns; c++) for (let r = start; r < stop; r++) to[c * rows + r] = from[r * columns + c]!
  }
  return to
}
