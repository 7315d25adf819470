import type { CohortTally } from './cohort-tally.ts'
import type { Report } from './report-schema.ts'

const mostStrongest = 15

const matrix = (tally: CohortTally): (number | null)[][] => {
  const values = tally.association()
  const width = tally.columns.length
  const known = (value: number) => (Number.isNaN(value) ? null : value)
  return Array.from({ length: tally.paired }, (_, i) =>
    Array.from({ length: tally.paired }, (_, j) => known(values[i * width + j]!)),
  )
}

/** Association of every pair of columns in the cohort and in the unconditional sample. */
export const pairsOf = (cohort: CohortTally, sample: CohortTally): Report['pairs'] => {
  const names = cohort.columns.map(({ name }) => name)
  const maps = { cohort: matrix(cohort), sample: matrix(sample) }
  const pairs = maps.cohort.flatMap((row, i) =>
    row.slice(0, i).map((value, j) => ({
      first: names[j]!,
      second: names[i]!,
      cohort: value,
      sample: maps.sample[i]![j]!,
    })),
  )
  return {
    columns: names.slice(0, cohort.paired),
    left_out: names.slice(cohort.paired),
    ...maps,
    strongest: pairs
      .filter(({ cohort: value }) => value !== null && value > 0)
      .toSorted((a, b) => (b.cohort ?? 0) - (a.cohort ?? 0))
      .slice(0, mostStrongest),
  }
}
