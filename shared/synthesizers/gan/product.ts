import type { Engine } from '../../tensor/engine.ts'

/** left x right; left is rows x inner, right inner x columns, row-major. The result is the caller's. */
export type Product = (
  left: Float32Array,
  right: Float32Array,
  rows: number,
  inner: number,
  columns: number,
) => Float32Array

/** By an engine, whose call is worth it for millions of multiplications. Equal results on one engine only. */
export const engineProduct =
  (engine: Engine): Product =>
  (left, right, rows, inner, columns) => {
    const first = engine.matrix(left, rows, inner)
    const second = engine.matrix(right, inner, columns)
    try {
      return engine.product(first, second)
    } finally {
      first.dispose()
      second.dispose()
    }
  }

/** In plain arrays: equal results wherever it runs. */
export const plainProduct: Product = (left, right, rows, inner, columns) => {
  const out = new Float32Array(rows * columns)
  addProduct(out, left, right, rows, inner, columns)
  return out
}

/** out += left x right. Four rows of `right` in one pass. */
export const addProduct = (
  out: Float32Array,
  left: Float32Array,
  right: Float32Array,
  rows: number,
  inner: number,
  columns: number,
): void => {
  for (let r = 0; r < rows; r++) {
    const at = r * columns
    const from = r * inner
    let k = 0
    for (; k + 4 <= inner; k += 4) {
      const a = left[from + k]!
      const b = left[from + k + 1]!
      const c = left[from + k + 2]!
      const d = left[from + k + 3]!
      if (a === 0 && b === 0 && c === 0 && d === 0) continue
      const atA = k * columns
      const atB = atA + columns
      const atC = atB + columns
      const atD = atC + columns
      for (let i = 0; i < columns; i++)
        out[at + i] =
          out[at + i]! + a * right[atA + i]! + b * right[atB + i]! + c * right[atC + i]! + d * right[atD + i]!
    }
    for (; k < inner; k++) {
      const a = left[from + k]!
      if (a === 0) continue
      for (let i = 0; i < columns; i++) out[at + i] = out[at + i]! + a * right[k * columns + i]!
    }
  }
}

/** rows x columns into columns x rows. */
export const transposed = (matrix: Float32Array, rows: number, columns: number): Float32Array => {
  const out = new Float32Array(rows * columns)
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = matrix[r * columns + c]!
  return out
}
