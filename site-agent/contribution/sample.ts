import { bernoulliMask } from '@tributary/shared/dp/uniform'
import type { RandomSource } from '@tributary/shared/ports'
import type { SamplingRate } from '@tributary/shared/units'
import type { EncodedRecords } from '../records/encoded-records.ts'

/** Rows of the drawn units: codes row-major, and how many rows each unit has (null: one each). */
export interface Sample {
  readonly cells: Uint16Array
  readonly rowsPerUnit: Uint32Array | null
}

/** Poisson sampling: every unit by its own coin, whatever the others did (R5: fresh coins at every attempt). */
const drawnUnits = (records: EncodedRecords, rate: SamplingRate, coins: RandomSource): Uint32Array => {
  const mask = new Uint8Array(records.units)
  bernoulliMask(coins, rate, mask)
  const drawn = new Uint32Array(mask.reduce((sum, coin) => sum + coin, 0))
  let next = 0
  for (let unit = 0; unit < mask.length; unit++) if (mask[unit] === 1) drawn[next++] = unit
  return drawn
}

const rangeOf = ({ unitStart }: EncodedRecords, unit: number): readonly [from: number, to: number] =>
  unitStart === null ? [unit, unit + 1] : [unitStart[unit]!, unitStart[unit + 1]!]

/** All rows of each drawn unit. Cost: units, and the cells drawn. */
export const sampleAllRows = (records: EncodedRecords, rate: SamplingRate, coins: RandomSource): Sample => {
  const { columns, codes } = records
  const drawn = drawnUnits(records, rate, coins)
  const rowsPerUnit = drawn.map((unit) => {
    const [from, to] = rangeOf(records, unit)
    return to - from
  })
  const cells = new Uint16Array(columns * rowsPerUnit.reduce((sum, rows) => sum + rows, 0))
  let at = 0
  for (const unit of drawn) {
    const [from, to] = rangeOf(records, unit)
    cells.set(codes.subarray(from * columns, to * columns), at)
    at += (to - from) * columns
  }
  return { cells, rowsPerUnit: records.unitStart === null ? null : rowsPerUnit }
}

/** One row of each drawn unit, uniform over its rows. `choices` are secret bits like the coins. Cost as above. */
export const sampleOneRow = (
  records: EncodedRecords,
  rate: SamplingRate,
  coins: RandomSource,
  choices: RandomSource,
): Sample => {
  const { columns, codes } = records
  const drawn = drawnUnits(records, rate, coins)
  const below = uniformBelow(choices)
  const cells = new Uint16Array(columns * drawn.length)
  for (const [index, unit] of drawn.entries()) {
    const [from, to] = rangeOf(records, unit)
    const row = from + below(to - from)
    cells.set(codes.subarray(row * columns, (row + 1) * columns), index * columns)
  }
  return { cells, rowsPerUnit: null }
}

const words = 1024
const range = 2 ** 32

/** Uniform integers below n <= 2^32: 32-bit words, those from the last incomplete run of n rejected. */
const uniformBelow = (random: RandomSource): ((n: number) => number) => {
  const buffer = new Uint32Array(words)
  let used = words
  const word = (): number => {
    if (used === words) {
      random.fill(new Uint8Array(buffer.buffer))
      used = 0
    }
    return buffer[used++]!
  }
  return (n) => {
    const limit = range - (range % n)
    for (;;) {
      const value = word()
      if (value < limit) return value % n
    }
  }
}
