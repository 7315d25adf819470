/**
 * Takes row and column means off (in place): what a table of two columns holds beyond its margins. Sums before dividing, so that
 * sums of whole numbers are exact. `block`: rows x columns, row-major.
 */
export const doubleCentre = (block: Float64Array, rows: number, columns: number): void => {
  const ofRow = new Float64Array(rows)
  const ofColumn = new Float64Array(columns)
  let total = 0
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      const value = block[r * columns + c]!
      ofRow[r] = ofRow[r]! + value
      ofColumn[c] = ofColumn[c]! + value
      total += value
    }
  const mean = total / (rows * columns)
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      block[r * columns + c] = block[r * columns + c]! - ofRow[r]! / columns - (ofColumn[c]! / rows - mean)
}
