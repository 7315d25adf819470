import type { ColumnTicks } from '../schema/numeric.ts'
import type { PrintedColumn } from '../schema/printed-column.ts'

/** Of a column of numbers or dates: the only ones that are compared value by value. */
export const ticksIn = ({ ticks }: PrintedColumn): ColumnTicks => ticks! // safe because only categorical columns have none

/** The first tick whose printed value, tick / scale, is `value` or more. */
export const firstTick = (value: number, scale: number): number => {
  let tick = Math.ceil(value * scale)
  while ((tick - 1) / scale >= value) tick--
  while (tick / scale < value) tick++
  return tick
}

/** The last tick whose printed value is `value` or less. */
export const lastTick = (value: number, scale: number): number => {
  let tick = Math.floor(value * scale)
  while ((tick + 1) / scale <= value) tick++
  while (tick / scale > value) tick--
  return tick
}
