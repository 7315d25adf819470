/*
 * Dense products in plain arrays, row-major, for nets that are too small to be worth an engine: the coordinator's part has to
 * give equal bytes wherever it runs.
 */

/** out += left x right; left is rows x inner, right inner x columns. Four rows of `right` in one pass. */
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
