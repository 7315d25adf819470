import { singularValues } from './singular-values.ts'

/**
 * A double-centred block with noise of standard deviation `sigma` in each cell before centring, with the noise taken out of its
 * singular values: y -> sqrt((y^2 - b - 1)^2 - 4b) / y above 1 + sqrt(b), else 0, where y is the value over sigma sqrt(k), b = m / k
 * and m <= k are the sides less one (optimal in Frobenius loss: Gavish and Donoho 2017, "Optimal shrinkage of singular values").
 * Null where nothing is left: no evidence of dependence. Cost: one singular value decomposition.
 */
export const shrunk = (block: Float64Array, rows: number, columns: number, sigma: number): Float64Array | null => {
  const m = Math.min(rows, columns) - 1
  const k = Math.max(rows, columns) - 1
  if (m < 1) return null
  const unit = sigma * Math.sqrt(k)
  const b = m / k
  const { values, left, right } = singularValues(block, rows, columns)
  if (!(values[0]! / unit > 1 + Math.sqrt(b))) return null
  const result = new Float64Array(rows * columns)
  values.forEach((value, r) => {
    const y = value / unit
    if (!(y > 1 + Math.sqrt(b))) return
    const kept = (Math.sqrt((y * y - b - 1) ** 2 - 4 * b) / y) * unit
    const u = left[r]!
    const v = right[r]!
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) result[i * columns + j] = result[i * columns + j]! + kept * u[i]! * v[j]!
  })
  return result
}
