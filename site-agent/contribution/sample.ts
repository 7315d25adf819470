import { randomPlaces } from '@tributary/shared/dp/random-places'
import { bernoulliMask, uniformDoubles } from '@tributary/shared/dp/uniform'
import type { RandomSource } from '@tributary/shared/ports'
import type { SamplingRate } from '@tributary/shared/units'
import type { EncodedRecords } from '../records/encoded-records.ts'

/** Sizes that the plan decides (R10): how many units have a coin, and how many rows the batch has room for. */
export interface SampleRoom {
  readonly units: number
  readonly rows: number
}

/**
 * A batch of `room.rows` rows, codes row-major, `drawn` of them drawn and the others padding. `rowsPerUnit`: how many rows each drawn
 * unit has, one unit after the other from the first row; null: one each. `counts`: 1 where a row was drawn; null: the first ones.
 */
export interface Sample {
  readonly cells: Uint16Array
  readonly drawn: number
  readonly rowsPerUnit: Uint32Array | null
  readonly counts: Uint8Array | null
}

/**
 * Poisson sampling: every unit by its own coin, whatever the others did (R5: fresh coins at every attempt). Places without a
 * unit have a coin too, so that the coins thrown are a public number.
 */
const drawnUnits = (
  { units }: EncodedRecords,
  rate: SamplingRate,
  coins: RandomSource,
  room: SampleRoom,
): Uint32Array => {
  const mask = new Uint8Array(room.units)
  bernoulliMask(coins, rate, mask)
  const drawn = new Uint32Array(room.units)
  let count = 0
  for (let unit = 0; unit < mask.length; unit++) {
    drawn[count] = unit
    count += unit < units ? mask[unit]! : 0
  }
  return drawn.subarray(0, count)
}

const rangeOf = ({ unitStart }: EncodedRecords, unit: number): readonly [from: number, to: number] =>
  unitStart === null ? [unit, unit + 1] : [unitStart[unit]!, unitStart[unit + 1]!]

/**
 * All rows of each drawn unit, the first `room.rows` of them: there is room for a whole table. Cost: the room, whatever was
 * drawn.
 */
export const sampleAllRows = (
  records: EncodedRecords,
  rate: SamplingRate,
  coins: RandomSource,
  room: SampleRoom,
): Sample => {
  const { columns, codes } = records
  const units = drawnUnits(records, rate, coins, room)
  const rowsPerUnit = new Uint32Array(units.length)
  const cells = new Uint16Array(columns * room.rows)
  let rows = 0
  for (const [index, unit] of units.entries()) {
    const [from, to] = rangeOf(records, unit)
    const count = Math.min(to - from, room.rows - rows)
    cells.set(codes.subarray(from * columns, (from + count) * columns), rows * columns)
    rowsPerUnit[index] = count
    rows += count
  }
  return { cells, drawn: rows, rowsPerUnit: records.unitStart === null ? null : rowsPerUnit, counts: null }
}

/**
 * One row of each drawn unit, uniform over its rows to within rows x 2^-53, for `room.rows` units at most: the excess is dropped,
 * which dp/batch-capacity charges. Each row stands at a random place of the batch, the others' places being the same whether or not
 * a unit is there: sums of floats that are taken slice by slice then differ by one slice's rounding between neighbours, instead of
 * by that of every slice behind the unit (docs/privacy.md, lemma 1). `choices` are secret bits like the coins, as many as there
 * are places. Cost as above.
 */
export const sampleOneRow = (
  records: EncodedRecords,
  rate: SamplingRate,
  coins: RandomSource,
  choices: RandomSource,
  room: SampleRoom,
): Sample => {
  const { columns, codes } = records
  const units = drawnUnits(records, rate, coins, room).subarray(0, room.rows)
  const uniform = new Float64Array(room.rows)
  uniformDoubles(choices, uniform)
  const places = randomPlaces(choices, room.rows)
  const cells = new Uint16Array(columns * room.rows)
  const counts = new Uint8Array(room.rows)
  for (const [index, unit] of units.entries()) {
    const [from, to] = rangeOf(records, unit)
    const row = from + Math.floor(uniform[index]! * (to - from))
    const place = places[index]!
    cells.set(codes.subarray(row * columns, (row + 1) * columns), place * columns)
    counts[place] = 1
  }
  return { cells, drawn: units.length, rowsPerUnit: null, counts }
}
