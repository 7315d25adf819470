import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import type { WeightedRows } from './pairwise-distance.ts'

/**
 * `wanted` rows with replacement, each as likely as its weight: how far another sample of real rows of that size would be from
 * the table it came from. Repeatable per `seed`. Cost: rows + wanted x log rows.
 */
export const drawnAnew = (
  columns: number,
  { cells, weights }: WeightedRows,
  wanted: number,
  seed: number,
): Uint16Array => {
  const rows = cells.length / columns
  const upTo = new Float64Array(rows)
  let total = 0
  for (let r = 0; r < rows; r++) {
    total += weights?.[r] ?? 1
    upTo[r] = total
  }
  const random = counterRandom(seed, 203)
  const drawn = new Uint16Array(wanted * columns)
  for (let i = 0; i < wanted; i++) {
    const aim = random.uniform(i, 0) * total
    let low = 0
    let high = rows - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (upTo[middle]! > aim) high = middle
      else low = middle + 1
    }
    drawn.set(cells.subarray(low * columns, (low + 1) * columns), i * columns)
  }
  return drawn
}
