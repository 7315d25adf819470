import { EncodedRecords } from '../../site-agent/records/encoded-records.ts'

/** Units as lists of rows of two codes. */
export const recordsOf = (units: readonly (readonly (readonly number[])[])[]): EncodedRecords => {
  const start = Uint32Array.from([0, ...units.map(({ length }) => length)])
  for (let i = 1; i < start.length; i++) start[i]! += start[i - 1]!
  return new EncodedRecords(2, Uint16Array.from(units.flat(2)), start)
}

/** Patients of two rows each, codes below 2 and 4. */
export const manyUnits = (count: number): number[][][] =>
  Array.from({ length: count }, (_, i) => [
    [i % 2, i % 4],
    [1, (i * 7) % 4],
  ])

/** Six standard deviations of a count of coins: a false alarm in 10^9 runs. */
export const six = (count: number, rate: number): number => 6 * Math.sqrt(count * rate * (1 - rate))
