import { poolRows } from '@tributary/shared/generator/sample'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { largestRemainders } from './fitted-shares.ts'
import { mostStrata } from './strata.ts'

/** Where the rows of one stratum come from; equal arguments give equal rows. */
export interface StratumRows {
  sample(rows: number, seed: number): AsyncIterable<Uint16Array>
}

/** Rows drawn and mixed together: what memory grows with, whatever the size of the cohort. */
export const blockRows = poolRows

/** Which stream of the seed mixes the strata. */
const mixStream = 6

/**
 * How many rows of each stratum every block holds: each block as near to the whole as can be, together exactly `quotas`.
 * Cost: strata x blocks.
 */
export const blockQuotas = (quotas: readonly number[]): number[][] => {
  const left = [...quotas]
  const blocks: number[][] = []
  for (let rows = sum(left); rows > 0; rows = sum(left)) {
    const whole = rows
    const counts = largestRemainders(
      left.map((quota) => quota / whole),
      Math.min(blockRows, rows),
    )
    counts.forEach((count, s) => (left[s]! -= count))
    blocks.push(counts)
  }
  return blocks
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)

/**
 * Block `block` of a cohort, alone: `counts[s]` rows of stratum s, in an order that the seed decides. It depends on the seed, the
 * counts and its number only, so that blocks can be made again, or elsewhere, one by one.
 */
export const blockOf = async (
  strata: readonly StratumRows[],
  counts: readonly number[],
  columns: number,
  seed: number,
  block: number,
): Promise<Uint16Array> => {
  const rows = sum(counts)
  const places = placesOf(rows, seed, block)
  const cells = new Uint16Array(rows * columns)
  let next = 0
  for (const [s, stratum] of strata.entries()) {
    if (counts[s] === 0) continue
    for await (const drawn of stratum.sample(counts[s]!, stratumSeed(seed, block, s)))
      for (let at = 0; at < drawn.length; at += columns)
        cells.set(drawn.subarray(at, at + columns), places[next++]! * columns)
  }
  return cells
}

/** Strata and blocks share no random number; an order's own seed, below 2^31, is none of these. */
const stratumSeed = (seed: number, block: number, stratum: number): number =>
  seed + 2 ** 32 * (1 + block * mostStrata + stratum)

/** A random order of the rows of a block (Fisher and Yates 1938). */
const placesOf = (rows: number, seed: number, block: number): Uint32Array => {
  const random = counterRandom(seed, mixStream)
  const places = Uint32Array.from({ length: rows }, (_, i) => i)
  for (let i = rows - 1; i > 0; i--) {
    const other = Math.floor(random.uniform(block, i) * (i + 1))
    const kept = places[i]!
    places[i] = places[other]!
    places[other] = kept
  }
  return places
}
