/**
 * Bias-corrected Cramér's V of a contingency table (Bergsma 2013, "A bias-correction for Cramér's V and Tschuprow's T"): 0 for
 * independent columns whatever their number of levels, 1 where each decides the other. `table` is rows x columns, row-major,
 * counts. Levels that never occur are left out. NaN where nothing can be said: under two rows or two levels on either side.
 * Cost: O(rows x columns).
 */
export const correctedCramersV = (table: ArrayLike<number>, rows: number, columns: number): number => {
  const rowSums = new Float64Array(rows)
  const columnSums = new Float64Array(columns)
  let total = 0
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      const count = table[i * columns + j]!
      rowSums[i] = rowSums[i]! + count
      columnSums[j] = columnSums[j]! + count
      total += count
    }
  const seen = (sums: Float64Array) => sums.reduce((levels, sum) => levels + (sum > 0 ? 1 : 0), 0)
  const levels = [seen(rowSums), seen(columnSums)] as const
  if (total < 2 || Math.min(...levels) < 2) return Number.NaN
  // chi^2 / n = sum of count^2 / (row sum x column sum) - 1
  let squares = 0
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      const count = table[i * columns + j]!
      if (count > 0) squares += (count / rowSums[i]!) * (count / columnSums[j]!)
    }
  const [r, c] = levels
  const phi = Math.max(0, squares - 1 - ((r - 1) * (c - 1)) / (total - 1))
  const corrected = (size: number) => size - (size - 1) ** 2 / (total - 1)
  const least = Math.min(corrected(r), corrected(c)) - 1
  return least > 0 ? Math.min(1, Math.sqrt(phi / least)) : Number.NaN
}
