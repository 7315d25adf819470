import { type PairLayout, pairShape } from './pair-layout.ts'

/** A vector of pairs as a symmetric matrix of cells x cells, float32; blocks of a column with itself are zero. */
export const pairMatrix = (pairs: PairLayout, values: Float64Array): Float32Array => {
  const { cells, offsets } = pairs.layout
  const matrix = new Float32Array(cells * cells)
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const { i, j, rows, columns, at } = pairShape(pairs, pair)
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        const value = values[at + r * columns + c]!
        matrix[(offsets[i]! + r) * cells + offsets[j]! + c] = value
        matrix[(offsets[j]! + c) * cells + offsets[i]! + r] = value
      }
  }
  return matrix
}

/** The upper blocks of a matrix of cells x cells times `scale`, as a vector of pairs. */
export const pairVector = (pairs: PairLayout, matrix: Float32Array, scale: number): Float64Array => {
  const { cells, offsets } = pairs.layout
  const values = new Float64Array(pairs.dimension)
  for (let pair = 0; pair < pairs.pairs; pair++) {
    const { i, j, rows, columns, at } = pairShape(pairs, pair)
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++)
        values[at + r * columns + c] = matrix[(offsets[i]! + r) * cells + offsets[j]! + c]! * scale
  }
  return values
}
