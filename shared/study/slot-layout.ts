import { wireBoundOf } from '../dp/fold.ts'
import type { Query } from '../dp/query.ts'
import type { SlotLayout } from '../he/slots.ts'

/** How a query's integers fill ring coefficients when up to `sites` of them are added; both sides derive it from the plan. */
export const slotLayoutOf = ({ dimension, grid }: Query, sites: number): SlotLayout => ({
  dimension,
  contributors: sites,
  valuesPerCoefficient: grid.valuesPerCoefficient,
  slotBits: grid.slotBits,
  scaleBits: grid.scaleBits,
  bound: wireBoundOf(grid),
})
