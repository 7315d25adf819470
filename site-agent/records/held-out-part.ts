import { CodedError } from '@tributary/shared/errors'
import { EncodedRecords } from './encoded-records.ts'

/** A hospital's table in two: patients that training may draw, and patients that only an evaluation counts (R22). */
export interface PartedRecords {
  readonly training: EncodedRecords
  readonly heldOut: EncodedRecords
}

/**
 * Parts a table by patient, each with all their rows, in the order they had: `isHeldOut[u]` is 1 for a unit u that is held out.
 * No row is in both. Throws `INTERNAL` for records whose units are not patients. Cost: one copy of the table.
 */
export const partRecords = (
  { columns, codes, unitStart, units }: EncodedRecords,
  isHeldOut: Uint8Array,
): PartedRecords => {
  if (unitStart === null || isHeldOut.length !== units)
    throw new CodedError('INTERNAL', 'records can be parted by patient alone')
  const take = (side: 0 | 1): EncodedRecords => {
    const chosen = Uint32Array.from(isHeldOut.keys()).filter((unit) => isHeldOut[unit] === side)
    const starts = new Uint32Array(chosen.length + 1)
    chosen.forEach((unit, i) => {
      starts[i + 1] = starts[i]! + unitStart[unit + 1]! - unitStart[unit]!
    })
    const taken = new Uint16Array(columns * starts[chosen.length]!)
    chosen.forEach((unit, i) => {
      taken.set(codes.subarray(columns * unitStart[unit]!, columns * unitStart[unit + 1]!), columns * starts[i]!)
    })
    return new EncodedRecords(columns, taken, starts)
  }
  return { training: take(0), heldOut: take(1) }
}
