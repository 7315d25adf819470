import type { RejectedLine } from '../table/csv-scan.ts'
import { tableFaults } from '../table/table-error.ts'

export const problemKinds = {
  'missing value': 'missing where the study declares no missing level',
  'unlisted text': 'a text that is not among the declared levels',
  'not a number': 'no decimal number',
  'not a date': 'no date like 2024-02-29',
  'outside the bins': 'a number outside the declared bins, or a fraction where whole numbers are declared',
  'no patient key': 'rows without a patient key',
  'key written in several ways': 'taken for one patient; two patients must not share a key',
  'surplus rows': 'rows beyond most_rows_per_patient; they are left out',
  'more than promised':
    'more than the study promises of this site: its guarantee assumes that promises are kept, and longer work shows outside',
  'broken line': 'lines that do not fit the table',
  'no rows': 'the table has no row that can be used',
  'other unit': 'the numbers look as if they were in another unit',
  'outside the range':
    'many values lie outside the range that the study declares: is it the same quantity, in the same unit?',
  'one value outside':
    'a single value outside the range fills many cells: if it stands for missing, name it in source.missing',
  'other codes': 'many texts are not among the levels and count as other: is it the same code system?',
  'written otherwise': 'texts would be levels or numbers if they were written otherwise: convert them on export',
  'day and month swapped': 'dates look as if day and month had changed places: export them as year-month-day',
  'nearly all missing': 'hardly a value: is it the right column, and is it filled at this hospital?',
  'breaks a constraint': 'rows that break a rule which every released row keeps: they are counted as they are',
  'nearly constant': 'hardly more than one level or bin: is it the right column?',
} as const

/** Kinds by which a table looks unlike the study: an officer who knows why may accept them. */
export const unlikeKinds: ReadonlySet<ProblemKind> = new Set([
  'other unit',
  'outside the range',
  'other codes',
  'day and month swapped',
])

export type ProblemKind = keyof typeof problemKinds

/** Something about a hospital's table, for eyes inside the hospital: by column, kind and order of magnitude, never a value. */
export interface Problem {
  readonly kind: ProblemKind
  readonly column?: string
  /** First line concerned, for lines that could not be read. */
  readonly line?: number
  /** First row concerned, counted from 1 among the rows that could be read. */
  readonly row?: number
  readonly detail: string
  /** How many cells, rows, patients or lines, as a range; of what looks unlike the study a rough share of the column's cells. */
  readonly count: string
  /** False: said for information, approval is not in the way. An officer may accept `more than promised` and `unlikeKinds`, nothing else. */
  readonly blocks: boolean
}

/** `1 to 9`, `10 to 99` and so on. */
export const countRange = (count: number): string => {
  const low = 10 ** Math.floor(Math.log10(Math.max(1, count)))
  return count === 0 ? '0' : `${low} to ${10 * low - 1}`
}

export const problem = (kind: ProblemKind, count: number, column?: string, row?: number): Problem => ({
  kind,
  ...(column === undefined ? {} : { column }),
  ...(row === undefined ? {} : { row }),
  detail: problemKinds[kind],
  count: countRange(count),
  blocks: !['surplus rows', 'key written in several ways', 'breaks a constraint'].includes(kind),
})

/** Of `things` (patients, rows) the table has more than promised; `count` is how many of the first. */
export const brokenPromise = (things: readonly string[], count: number): Problem => ({
  ...problem('more than promised', count),
  detail: `${things.join(' and ')}: ${problemKinds['more than promised']}`,
})

/** One problem per kind of fault, naming the first line that has it. */
export const brokenLines = (rejected: readonly RejectedLine[]): Problem[] => {
  const byFault = Map.groupBy(rejected, ({ fault }) => fault)
  return [...byFault].map(([fault, lines]) => {
    const { line, column } = lines[0]!
    return { ...problem('broken line', lines.length, column), line, detail: tableFaults[fault] }
  })
}
