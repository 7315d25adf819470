import type { WeightedRows } from '@tributary/shared/evaluation/logistic-model'
import type { EncodedRecords } from '../records/encoded-records.ts'

/** Records as a table to compare: every unit weighs 1 in all. */
export const hospitalRows = ({ codes, unitStart, units, rows }: EncodedRecords): WeightedRows => {
  if (unitStart === null) return { cells: codes }
  const weights = new Float64Array(rows)
  for (let unit = 0; unit < units; unit++) {
    const [start, end] = [unitStart[unit]!, unitStart[unit + 1]!]
    weights.fill(1 / (end - start), start, end)
  }
  return { cells: codes, weights }
}
