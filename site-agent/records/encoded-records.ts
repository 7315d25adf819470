import { inspect } from 'node:util'
import { CodedError } from '@tributary/shared/errors'

/**
 * A hospital's whole table as codes: what may be sampled, and nothing that names anybody. `codes` is row-major, rows x columns;
 * unit u owns the rows from `unitStart[u]` up to but without `unitStart[u + 1]`, at least one; null: every row is a unit. It
 * prints its columns and nothing else: how many rows there are is private (R19).
 */
export class EncodedRecords {
  readonly columns: number
  readonly rows: number
  readonly units: number
  readonly codes: Uint16Array
  readonly unitStart: Uint32Array | null

  constructor(columns: number, codes: Uint16Array, unitStart: Uint32Array | null) {
    this.columns = columns
    this.rows = codes.length / columns
    this.units = unitStart === null ? this.rows : unitStart.length - 1
    this.codes = codes
    this.unitStart = unitStart
    if (!Number.isInteger(this.rows) || (unitStart !== null && !isPartition(unitStart, this.rows))) {
      throw new CodedError('INTERNAL', 'records whose units do not cover the rows')
    }
  }

  toJSON(): unknown {
    return { kind: 'EncodedRecords', columns: this.columns }
  }

  [inspect.custom](): string {
    return `EncodedRecords(${this.columns} columns)`
  }
}

const isPartition = (start: Uint32Array, rows: number): boolean => {
  if (start[0] !== 0 || start[start.length - 1] !== rows) return false
  for (let unit = 1; unit < start.length; unit++) if (start[unit]! <= start[unit - 1]!) return false
  return true
}

/**
 * Gathers every patient's rows, in order of first appearance, by one counting sort. `patients[r]` numbers the patient of row r
 * from 0 without gaps. Time and memory: rows x columns.
 */
export const groupByPatient = (codes: Uint16Array, patients: Uint32Array, columns: number): EncodedRecords => {
  const units = patients.reduce((most, patient) => Math.max(most, patient + 1), 0)
  const start = new Uint32Array(units + 1)
  for (const patient of patients) start[patient + 1]! += 1
  for (let unit = 0; unit < units; unit++) start[unit + 1]! += start[unit]!
  const next = start.slice(0, units)
  const grouped = new Uint16Array(codes.length)
  for (let row = 0; row < patients.length; row++) {
    const to = next[patients[row]!]!++ * columns
    const from = row * columns
    for (let column = 0; column < columns; column++) grouped[to + column] = codes[from + column]!
  }
  return new EncodedRecords(columns, grouped, start)
}
